import { shownJson } from "./phrases.ts";
import type { RunRow } from "./run-report.ts";

/** A Markdown table of the columns that any row has something in. */
export function rowsTable(rows: readonly RunRow[]): string {
  const names = COLUMNS.filter((name) => rows.some((row) => row[name] !== undefined));
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(names),
    line(names.map(() => "---")),
    ...rows.map((row) => line(names.map((name) => cellText(row[name])))),
  ].join("\n");
}

const COLUMNS = [
  "run_id",
  "status",
  "percent",
  "question",
  "output",
  "basis",
  "error",
  "processor",
  "price_usd",
  "taskgroup_id",
  "created_at",
  "counts",
] as const satisfies (keyof RunRow)[];

function cellText(value: unknown): string {
  if (value === undefined) return "";
  const text = typeof value === "string" ? value : shownJson(value);
  return text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|");
}
