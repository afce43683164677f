import { PROCESSORS } from "../../../task-api/processors.ts";
import { DOCUMENTS_READ } from "../../runs/documents-read.ts";
import { durationText, markdownTable } from "../../report/text.ts";
import type { PriceList } from "../../runs/price-list.ts";
import type { CatalogBackend } from "../../tool.ts";

/** What there is to choose from, as Markdown, with the prices of the backend in use. */
export function processorsTable(
  prices: PriceList,
  backend: CatalogBackend | undefined = "hosted",
): string {
  const price = (name: string) => {
    const usd = prices.priceUsd(name);
    return usd === undefined ? "not known" : `$${usd}`;
  };
  switch (backend) {
    case "embedded":
      return page(
        "The built-in engine searches its document folders, mostly within seconds. A higher processor reads more documents and may quote more of them; -fast makes no difference.",
        ["processor", "price per completed run", "documents read per search"],
        Object.entries(DOCUMENTS_READ).map(([name, documents]) => [
          name,
          price(name),
          `up to ${documents}`,
        ]),
      );
    case "scripted":
      return page(
        "A script decides what runs do here, and how long they take.",
        ["processor", "price per completed run"],
        PROCESSORS.map(({ name }) => [name, price(name)]),
      );
    case "hosted":
    case "custom":
      return page(
        [
          "Take the cheapest that fits. Failed runs are not billed; time in the queue comes on top.",
          ...(prices.caveat === null ? [] : [`Prices are ${prices.caveat}.`]),
        ].join("\n"),
        ["processor", "price per completed run", "usual time", "output fields", "best for"],
        PROCESSORS.map(({ name, maxFields, bestFor }) => {
          const usual = prices.usualSeconds(name);
          const time =
            usual === undefined
              ? "not known"
              : `${durationText(usual.from)} to ${durationText(usual.to)}`;
          return [name, price(name), time, `about ${maxFields}`, bestFor];
        }),
      );
  }
}

function page(text: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  return ["# Processors", "", text, "", markdownTable(head, rows), ""].join("\n");
}
