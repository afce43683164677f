import { shownJson } from "../../mcp/report/text.ts";
import type { ListedRun } from "../../mcp/runs/list-runs.ts";
import type { RunOutput } from "../../task-api/output.ts";
import type { TaskRun } from "../../task-api/run.ts";
import { cleanLine, cleanText } from "../../text/clean-text.ts";
import { cutToWidth, padToWidth, widthOf } from "./text-width.ts";

/** An output as text for a terminal: the content, then the sources that the content does not name. */
export function answerText({ type, content, basis }: RunOutput): string {
  const text = type === "text" ? content.trim() : shownJson(content, 2);
  const titles = new Map(
    basis
      .flatMap(({ citations }) => citations ?? [])
      .filter(({ url }) => !text.includes(url))
      .map(({ url, title }) => [url, title]),
  );
  if (titles.size === 0) return cleanText(text);
  const sources = [...titles].map(([url, title]) => `  - ${title ? `${title}\n    ${url}` : url}`);
  return cleanText([text, "", "Sources", ...sources].join("\n"));
}

/** Why a run has no output, if it says so, and its other warnings. The last warning of `action_required` is its question. */
export function readReason({ status, error, warnings = [] }: TaskRun): {
  reason: string | null;
  warnings: string[];
} {
  const messages = (warnings ?? []).map(({ message }) => message);
  const question = status === "action_required" ? messages.at(-1) : undefined;
  return question === undefined
    ? { reason: error?.message ?? null, warnings: messages }
    : { reason: `it asks: ${question}`, warnings: messages.slice(0, -1) };
}

const HEADER = ["RUN", "STATUS", "STARTED", "PROCESSOR", "PRICE", "QUESTION"];
const GAP = "  ";

/** Runs as a table, one per line. `columns` cuts longer lines. */
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
    // The answer to the create was lost, so the run has no known id.
    row.run_id ?? "-",
    row.percent === undefined ? (row.status ?? "") : `${row.status} ${row.percent} %`,
    row.created_at === undefined ? "" : localTime(row.created_at),
    row.processor ?? "",
    row.price_usd === undefined ? "?" : row.price_usd === 0 ? "free" : `$${row.price_usd}`,
    row.error === undefined ? (row.question ?? "") : `${row.question ?? ""} (${row.error})`,
  ];
}

/** `2026-11-24 14:05`, in the time zone of the terminal. */
function localTime(timestamp: string): string {
  const time = new Date(timestamp);
  const two = (part: number) => String(part).padStart(2, "0");
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
