import { isJsonObject } from "../../task-api/task-spec.ts";
import { shownJson } from "./phrases.ts";
import type { RunRow } from "./run-report.ts";

/** A Markdown table of the columns that any row has something in; fields of outputs have columns of their own. */
export function rowsTable(rows: readonly RunRow[]): string {
  const fields = fieldsOf(rows);
  const names = COLUMNS.filter((name) => rows.some((row) => row[name] !== undefined));
  const columns = names.flatMap((name) =>
    name === "output" && fields.length > 0
      ? fields.map((field) => columnOf(field))
      : [ownColumn(name)],
  );
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(({ title }) => cellText(title))),
    line(columns.map(() => "---")),
    ...rows.map((row) => line(columns.map(({ valueIn }) => cellText(valueIn(row))))),
  ].join("\n");
}

const COLUMNS = [
  "run_id",
  "status",
  "question",
  "question_asked",
  "output",
  "sources",
  "basis",
  "error",
  "retried_as",
  "processor",
  "price_usd",
  "taskgroup_id",
  "created_at",
  "counts",
] as const satisfies (keyof RunRow)[];
type ColumnName = (typeof COLUMNS)[number];

interface Column {
  title: string;
  valueIn: (row: RunRow) => unknown;
}

function ownColumn(name: ColumnName): Column {
  return {
    title: name,
    valueIn: (row) => {
      if (name === "sources") return row.sources?.join(" ");
      if (name === "status" && row.percent !== undefined) return `${row.status} ${row.percent}%`;
      return row[name];
    },
  };
}

function columnOf(field: string): Column {
  const isTaken = COLUMNS.some((name) => name === field);
  return {
    title: isTaken ? `output.${field}` : field,
    valueIn: ({ output }) => (isJsonObject(output) ? output[field] : undefined),
  };
}

/** The fields of the outputs; none where not all are objects, or where they have so little in common that most cells were empty. */
function fieldsOf(rows: readonly RunRow[]): string[] {
  const outputs = rows.flatMap(({ output }) => (output === undefined ? [] : [output]));
  const objects = outputs.filter(isJsonObject);
  if (objects.length < outputs.length) return [];
  const names = objects.flatMap((output) => Object.keys(output));
  const fields = [...new Set(names)];
  return 2 * names.length < fields.length * objects.length ? [] : fields;
}

/** JSON stays JSON: what would end a cell or a line is escaped in JSON's way. */
function cellText(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value.replaceAll(/\s+/g, " ").replaceAll("|", "\\|");
  return shownJson(value).replaceAll(
    /[|\u0085\u2028\u2029]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
