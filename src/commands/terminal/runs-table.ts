import type { ListedRun } from "../../mcp/runs/list-runs.ts";
import { cleanLine } from "../../text/clean-text.ts";
import { cutToWidth, padToWidth, widthOf } from "./text-width.ts";

const HEADER = ["RUN", "STATUS", "STARTED", "PROCESSOR", "PRICE", "QUESTION"];
const GAP = "  ";

/** Runs as a person reads them in a terminal, one a line. `columns`: where lines end; undefined when nowhere. */
export function runsTable(rows: readonly ListedRun[], columns: number | undefined): string {
  const cells = [HEADER, ...rows.map((row) => cellsOf(row).map((cell) => cleanLine(cell)))];
  const widths = HEADER.map((_, column) =>
    Math.max(...cells.map((line) => widthOf(line[column] ?? ""))),
  );
  return cells
    .map((line) => {
      const padded = line.map((cell, column) => padToWidth(cell, widths[column] ?? 0));
      const text = padded.join(GAP).trimEnd();
      return `${columns === undefined ? text : cutToWidth(text, columns)}\n`;
    })
    .join("");
}

function cellsOf(row: ListedRun): string[] {
  return [
    // One whose answer was lost: there may be a run, but nobody knows its id.
    row.run_id ?? "-",
    row.percent === undefined ? (row.status ?? "") : `${row.status} ${row.percent} %`,
    row.created_at === undefined ? "" : localTime(row.created_at),
    row.processor ?? "",
    row.price_usd === undefined ? "?" : row.price_usd === 0 ? "free" : `$${row.price_usd}`,
    row.error === undefined ? (row.question ?? "") : `${row.question ?? ""} (${row.error})`,
  ];
}

/** `2026-11-24 14:05`, where the terminal is. */
function localTime(timestamp: string): string {
  const time = new Date(timestamp);
  const two = (part: number) => String(part).padStart(2, "0");
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
