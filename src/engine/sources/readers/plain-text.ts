import { type Block, groupSections, normalizeLine, type ParsedDocument } from "../document.ts";
import { readFrontMatter } from "./front-matter.ts";

/** Longer first lines are prose, not a title. */
const MAX_TITLE_CHARS = 120;

/** Reads a text file: blank lines separate paragraphs, a short first line alone is the title. */
export function parsePlainText(text: string): ParsedDocument {
  const { body, problems, ...fields } = readFrontMatter(text);
  const paragraphs = body.split(/\r?\n[ \t]*(?:\r?\n[ \t]*)+/).map(joinWrappedLines);
  const blocks = paragraphs.flat().map((line): Block => ({ kind: "line", text: line }));
  const title = fields.title ?? titleOf(paragraphs);
  return {
    title,
    url: fields.url,
    publishedOn: fields.publishedOn,
    sections: groupSections(
      blocks.filter((block) => block.text !== title),
      title,
    ),
    problems,
  };
}

function titleOf(paragraphs: readonly string[][]): string | null {
  const first = paragraphs.find((lines) => lines.length > 0);
  const line = first?.length === 1 ? first[0] : undefined;
  if (line === undefined || line.length > MAX_TITLE_CHARS || /[.!?:;,]$/.test(line)) return null;
  return line;
}

/** Wrapped lines belong together; a bullet or a number begins a new one. */
function joinWrappedLines(paragraph: string): string[] {
  return paragraph
    .split(/\r?\n(?=[ \t]*(?:[-*•]|\d+[.)])[ \t])/)
    .map(normalizeLine)
    .map((line) => line.replace(/^[-*•] /, ""))
    .filter((line) => line !== "");
}
