import { InvalidArguments } from "../../arguments/argument-problems.ts";
import type { Cut } from "../run-report.ts";

/**
 * As many items as a page holds, whole ones only, and where to read on when not all of them are shown. Each item is
 * bounded by whoever made it; the first is always shown, so that reading on makes progress. Throws `InvalidArguments`.
 */
export function pageItems<Item>(
  items: readonly Item[],
  offset: number,
  { budget, unit }: { budget: number; unit: Cut["unit"] },
): { items: Item[]; cut: Cut | undefined } {
  if (offset > 0 && offset >= items.length) {
    const fix = `there are ${items.length} ${unit}; write a smaller number`;
    throw new InvalidArguments([{ argument: "offset", fix }]);
  }
  let left = budget;
  const shown: Item[] = [];
  for (const item of items.slice(offset)) {
    left -= Buffer.byteLength(JSON.stringify(item, null, 2));
    if (left < 0 && shown.length > 0) break;
    shown.push(item);
  }
  const next = offset + shown.length;
  if (offset === 0 && next === items.length) return { items: shown, cut: undefined };
  return {
    items: shown,
    cut: {
      offset,
      ...(next === items.length ? {} : { next_offset: next }),
      total: items.length,
      unit,
    },
  };
}
