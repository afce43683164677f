import { parse } from "papaparse";
import { describeRow, normalizeLine, type ParsedDocument } from "../document.ts";
import { isYear, readableName } from "../text/words.ts";

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
    sections: [{ heading: "", text: lines.filter((line) => line !== "").join("\n"), place: null }],
    problems: [],
  };
}

/** Names of columns are words, or years: a row that holds another plain number, or nothing, is data. */
function isHeader(cells: readonly string[]): boolean {
  return (
    cells.some((cell) => cell !== "") &&
    !cells.some((cell) => /^[-+]?[\d.,]+%?$/.test(cell) && !isYear(cell))
  );
}
