import type { ParsedDocument } from "../document.ts";
import { parseMarkdown } from "./markdown.ts";
import { parsePlainText } from "./plain-text.ts";

// Each reader turns the headings of a language into those of Markdown, line for line, so that places stay right.

/** Reads reStructuredText. Source: its specification, sections "Sections" and "Directives". */
export function parseRst(text: string): ParsedDocument {
  const lines = text.split("\n");
  const styles: string[] = [];
  for (const [at, line] of lines.entries()) {
    const before = lines[at - 1] ?? "";
    const isUnderline = RULE.test(line) && before.trim() !== "" && !RULE.test(before);
    if (isUnderline && line.length >= before.trimEnd().length) {
      const hasOverline = lines[at - 2] === line;
      const style = line.slice(0, 1) + String(hasOverline);
      if (!styles.includes(style)) styles.push(style);
      lines[at - 1] = writeHeading(styles.indexOf(style) + 1, before);
      lines[at] = "";
      if (hasOverline) lines[at - 2] = "";
    } else {
      lines[at] = line
        .replace(/^:[\w -]+:(?: .*)?$/, "")
        .replace(/^\s*\.\. (?:_.*|[\w-]+::)/, "")
        .replace(/:[\w:-]+:`([^`<]*)(?:<[^`]*>)?`/g, "$1");
    }
  }
  return parseMarkdown(lines.join("\n"));
}

/** A line of one punctuation character. */
const RULE = /^([^\w\s])\1{2,}\s*$/;

/** Reads AsciiDoc. Source: its language documentation, "Document Title" and "Section Titles". */
export function parseAsciiDoc(text: string): ParsedDocument {
  return convertLines(text, (line) => {
    const [, marks, title] = /^(={1,6}) +(.*)$/.exec(line) ?? [];
    if (marks !== undefined) return writeHeading(marks.length, title ?? "");
    return /^(?::[\w-]+!?:.*|\[.*\]|[-=*_.]{4,}|\/\/.*)$/.test(line) ? "" : line;
  });
}

/** Reads Org. Source: its manual, "Headlines" and "Export Settings". */
export function parseOrg(text: string): ParsedDocument {
  return convertLines(text, (line) => {
    const [, title] = /^#\+title: *(.*)$/i.exec(line) ?? [];
    if (title !== undefined) return writeHeading(1, title);
    const [, stars, headline] = /^(\*+) +(?:(?:TODO|DONE) +)?(.*)$/.exec(line) ?? [];
    if (stars !== undefined) return writeHeading(stars.length + 1, headline ?? "");
    return /^(?:#|\s*:[\w-]+:)/.test(line) ? "" : line;
  });
}

const TEX_LEVELS = ["title", "chapter", "section", "subsection", "subsubsection"];

/** Reads LaTeX: its headings and text; formulas and unknown commands stay as they are. */
export function parseTex(text: string): ParsedDocument {
  return convertLines(text, (line) => {
    const bare = line.replace(/(^|[^\\])%.*$/, "$1");
    const [, command = "", title] = /^\s*\\(\w+)\*?(?:\[[^\]]*\])?\{(.*)\}\s*$/.exec(bare) ?? [];
    const level = TEX_LEVELS.indexOf(command);
    if (level >= 0) return writeHeading(level + 1, plainTex(title ?? ""));
    return plainTex(
      bare.replace(/\\(?:begin|end|usepackage|documentclass|label|maketitle)\b.*/, ""),
    );
  });
}

function plainTex(text: string): string {
  return text
    .replace(/\\item\b/g, "-")
    .replace(/\\\w+\{([^{}]*)\}/g, "$1")
    .replace(/\\([%&$#_])/g, "$1");
}

function writeHeading(level: number, text: string): string {
  return `${"#".repeat(Math.min(level, 6))} ${text.trim()}`;
}

function convertLines(text: string, convert: (line: string) => string): ParsedDocument {
  return parseMarkdown(text.split("\n").map(convert).join("\n"));
}

/** Reads subtitles (SubRip and WebVTT): what is said, without numbers and times. */
export function parseSubtitles(text: string): ParsedDocument {
  const cues = text.split(/\n{2,}/).flatMap((cue) => {
    const lines = cue.split("\n");
    const time = lines.findIndex((line) => line.includes("-->"));
    return time < 0 ? [] : lines.slice(time + 1).map((line) => line.replace(/<[^>]*>/g, ""));
  });
  return { ...parsePlainText(cues.join("\n")), title: null };
}
