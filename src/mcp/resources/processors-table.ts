import { PROCESSORS } from "../../task-api/processors.ts";
import { durationText } from "../phrases.ts";
import type { PriceList } from "../price-list.ts";

/** What there is to choose from, as Markdown, with the prices of the backend in use. */
export function processorsTable(prices: PriceList): string {
  const rows = PROCESSORS.map(({ name, maxFields, bestFor }) => {
    const usd = prices.priceUsd(name);
    const usual = prices.usualSeconds(name);
    return [
      name,
      usd === undefined ? "not known" : `$${usd}`,
      usual === undefined
        ? "as fast as its documents are few"
        : `${durationText(usual.from)} to ${durationText(usual.to)}`,
      `about ${maxFields}`,
      bestFor,
    ];
  });
  const head = ["processor", "price per completed run", "usual time", "output fields", "best for"];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    "# Processors",
    "",
    "Take the cheapest that fits. Failed runs are not billed; time in the queue comes on top.",
    ...(prices.caveat === null ? [] : [`Prices are ${prices.caveat}.`]),
    "",
    line(head),
    line(head.map(() => "---")),
    ...rows.map(line),
    "",
  ].join("\n");
}
