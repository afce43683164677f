import { pipeline, Readable } from "node:stream";
import papaparse from "papaparse";
import { z } from "zod";
import {
  type Block,
  describeRow,
  groupSections,
  normalizeLine,
  type ParsedDocument,
} from "../document.ts";
import { isYear, readableName } from "../text/words.ts";
import type { DataRecord } from "./document-parts.ts";

/** Reads comma-, semicolon- or tab-separated values: each row becomes a line that names its columns. */
export function parseCsv(text: string): ParsedDocument {
  const table = new TableRows();
  const { data } = papaparse.parse<string[]>(text, { delimiter: findDelimiter(text) });
  const blocks = [...data.flatMap((cells) => table.add(cells)), ...table.end()];
  const sections = groupSections(blocks, null);
  return { title: null, url: null, publishedOn: null, sections, problems: [] };
}

const Row = z.array(z.string());

/** Reads the rows of a table of any length, one after another. `sample` is its beginning. */
export async function* readCsvRecords(
  chunks: AsyncIterable<string>,
  sample: string,
): AsyncGenerator<DataRecord, void> {
  const table = new TableRows();
  const rows = papaparse.parse(papaparse.NODE_STREAM_INPUT, { delimiter: findDelimiter(sample) });
  // The loop gets the error of either stream.
  pipeline(Readable.from(chunks), rows, () => undefined);
  for await (const row of rows) yield { heading: null, blocks: table.add(Row.parse(row)) };
  yield { heading: null, blocks: table.end() };
}

function findDelimiter(text: string): string {
  // Empty lines are in the way of finding the separator, and count as lines.
  return papaparse.parse(text, { preview: 10, skipEmptyLines: "greedy" }).meta.delimiter;
}

interface TableRow {
  line: number;
  cells: string[];
}

/** Turns rows into lines, one after another. The first row may be the names of the columns of those below it. */
class TableRows {
  #nextLine = 1;
  #first: TableRow | null = null;
  #headers: string[] | null = null;

  add(cells: readonly string[]): Block[] {
    const line = this.#nextLine;
    this.#nextLine += cells.join("").split(/\r\n?|\n/).length;
    const row = { line, cells: cells.map(normalizeLine) };
    if (row.cells.every((cell) => cell === "")) return [];
    if (this.#headers !== null) return [toLine(this.#headers, row)];
    const first = this.#first;
    this.#first = row;
    if (first === null) return [];
    const hasHeader = isHeader(first.cells);
    this.#headers = hasHeader ? first.cells.map(readableName) : [];
    return (hasHeader ? [row] : [first, row]).map((each) => toLine(this.#headers ?? [], each));
  }

  /** A row that is alone names nothing. */
  end(): Block[] {
    return this.#headers === null && this.#first !== null ? [toLine([], this.#first)] : [];
  }
}

function toLine(headers: readonly string[], { line, cells }: TableRow): Block {
  return {
    kind: "line",
    text: describeRow(headers, cells),
    place: { unit: "line", number: line },
  };
}

/** Names of columns are words, or years: a row that holds another plain number, or nothing, is data. */
function isHeader(cells: readonly string[]): boolean {
  return !cells.some((cell) => /^[-+]?[\d.,]+%?$/.test(cell) && !isYear(cell));
}
