import papaparse from "papaparse";
import {
  type Block,
  describeRow,
  groupSections,
  normalizeLine,
  type ParsedDocument,
} from "../document.ts";
import type { Place } from "../source.ts";
import { isYear, readableName } from "../text/words.ts";

/** Reads comma-, semicolon- or tab-separated values: each row becomes a line that names its columns. */
export function parseCsv(text: string): ParsedDocument {
  // Empty lines are in the way of finding the separator, and count as lines.
  const { delimiter } = papaparse.parse(text, { preview: 10, skipEmptyLines: "greedy" }).meta;
  const { data } = papaparse.parse<string[]>(text, { delimiter });
  let next = 1;
  const rows = data.flatMap((cells) => {
    const line = next;
    next += cells.join("").split(/\r\n?|\n/).length;
    const row = { line, cells: cells.map(normalizeLine) };
    return row.cells.some((cell) => cell !== "") ? [row] : [];
  });
  const [first, ...others] = rows;
  const hasHeader = first !== undefined && others.length > 0 && isHeader(first.cells);
  const headers = hasHeader ? first.cells.map(readableName) : [];
  const blocks = (hasHeader ? others : rows).map(({ line, cells }): Block => {
    const place: Place = { unit: "line", number: line };
    return { kind: "line", text: describeRow(headers, cells), place };
  });
  const sections = groupSections(blocks, null);
  return { title: null, url: null, publishedOn: null, sections, problems: [] };
}

/** Names of columns are words, or years: a row that holds another plain number, or nothing, is data. */
function isHeader(cells: readonly string[]): boolean {
  return !cells.some((cell) => /^[-+]?[\d.,]+%?$/.test(cell) && !isYear(cell));
}
