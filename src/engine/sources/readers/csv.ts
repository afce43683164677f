import { parse } from "papaparse";
import { describeRow, normalizeLine, type ParsedDocument } from "../document.ts";
import { readableName } from "../text/words.ts";

/** Reads comma-, semicolon- or tab-separated values: each row becomes a line that names its columns. */
export function parseCsv(text: string): ParsedDocument {
  const { data } = parse<string[]>(text, { skipEmptyLines: "greedy" });
  const rows = data.map((cells) => cells.map(normalizeLine));
  const [first = [], ...others] = rows;
  const hasHeader = others.length > 0 && isHeader(first);
  const headers = hasHeader ? first.map(readableName) : [];
  const lines = (hasHeader ? others : rows).map((cells) => describeRow(headers, cells));
  return {
    title: null,
    url: null,
    publishedOn: null,
    sections: [{ heading: "", text: lines.filter((line) => line !== "").join("\n") }],
    problems: [],
  };
}

/** Names of columns are words: a row that holds a plain number, or nothing, is data. */
function isHeader(cells: readonly string[]): boolean {
  return (
    cells.some((cell) => cell !== "") &&
    !cells.some((cell) => /^[-+]?[\d.,]+%?$/.test(cell) && !isYear(cell))
  );
}

/** A table by years has them as names of columns. */
function isYear(cell: string): boolean {
  return /^(?:1\d{3}|20\d{2})$/.test(cell);
}
