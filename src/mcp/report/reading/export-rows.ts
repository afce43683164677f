import { isJsonObject } from "../../../task-api/task-spec.ts";
import { cleanValue } from "../../../text/clean-text.ts";
import type { ExportFormat } from "../resource-uri.ts";
import { shownJson } from "../text.ts";
import { weightOf } from "./pages.ts";
import type { GroupRunState } from "./rows.ts";

/** A completed run with whole values. */
export interface ExportRow {
  runId: string;
  input: unknown;
  output: unknown;
  /** The fields of the output schema, so that every page has the same columns. */
  fields: readonly string[];
  /** The values do not fit a page and are left out. */
  isTooLong: boolean;
}

/** The weight is the size of its JSON line. */
export function exportRowOf(
  { run, input, output }: GroupRunState,
  maxWeight: number,
): { item: ExportRow; weight: number } {
  const row = {
    runId: run.run_id,
    input: cleanValue(input?.["input"]),
    output: cleanValue(output?.content),
    fields: Object.keys(propertiesOf(input?.["task_spec"])),
  };
  const weight = weightOf(lineOf(row));
  if (weight <= maxWeight) return { item: { ...row, isTooLong: false }, weight };
  const rest = { ...row, input: undefined, output: undefined, isTooLong: true };
  return { item: rest, weight: weightOf(lineOf(rest)) };
}

function propertiesOf(taskSpec: unknown): object {
  let inside = taskSpec;
  for (const name of ["output_schema", "json_schema", "properties"]) {
    if (!isJsonObject(inside)) return {};
    inside = inside[name];
  }
  return isJsonObject(inside) ? inside : {};
}

/** JSON lines, or CSV with one column per field of inputs and outputs. */
export async function exportText(
  rows: readonly ExportRow[],
  format: ExportFormat,
): Promise<string> {
  if (format === "jsonl") return rows.map((row) => shownJson(lineOf(row))).join("\n");
  // Loaded on first use: most servers never export.
  const { default: papaparse } = await import("papaparse");
  const columns = columnsOf(rows);
  return papaparse.unparse(
    {
      fields: columns.map(({ title }) => title),
      data: rows.map((row) => columns.map(({ valueIn }) => cellOf(valueIn(row)))),
    },
    { newline: "\n", escapeFormulae: FORMULA },
  );
}

/**
 * Cells that a spreadsheet would run as a formula get an apostrophe in front, which it does not show; numbers and
 * percentages stay. Source: OWASP, "CSV Injection".
 */
const FORMULA = /^(?:[=@\t\r]|[+-](?![\d.,\s]*%?$))/;

function lineOf({ runId, input, output }: Pick<ExportRow, "runId" | "input" | "output">) {
  return { run_id: runId, input, output };
}

interface Column {
  title: string;
  valueIn: (row: ExportRow) => unknown;
}

function columnsOf(rows: readonly ExportRow[]): Column[] {
  const columns: Column[] = [{ title: "run_id", valueIn: ({ runId }) => runId }];
  const add = (name: string, part: "input" | "output", valueIn: Column["valueIn"]) => {
    const isTaken = columns.some(({ title }) => title === name);
    columns.push({ title: isTaken ? `${part}.${name}` : name, valueIn });
  };
  for (const part of ["input", "output"] as const) {
    const values = rows.map((row) => row[part]);
    if (values.some((value) => value !== undefined && !isJsonObject(value))) {
      const name = part === "input" ? "question" : part;
      add(name, part, (row) => (isJsonObject(row[part]) ? undefined : row[part]));
    }
    const fields = [
      ...(part === "output" ? rows.flatMap((row) => row.fields) : []),
      ...values.flatMap((value) => (isJsonObject(value) ? Object.keys(value) : [])),
    ];
    for (const field of new Set(fields)) {
      add(field, part, ({ [part]: value }) => (isJsonObject(value) ? value[field] : undefined));
    }
  }
  return columns;
}

function cellOf(value: unknown): unknown {
  return typeof value === "object" && value !== null ? shownJson(value) : value;
}
