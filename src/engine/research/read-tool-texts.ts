import { z } from "zod";
import type { ToolText } from "../mcp-servers/tool-result.ts";
import { MAX_QUOTED_CHARS } from "../mcp-servers/limits.ts";
import { cleanLine } from "../../text/clean-text.ts";
import { cutPlace } from "../../text/cut-text.ts";
import { tryParseJson } from "../../text/json.ts";
import {
  describeRow,
  normalizeLine,
  readIsoDate,
  readWebUrl,
  type DocumentSection,
} from "../sources/document.ts";
import { splitPassages } from "../sources/text/passages.ts";
import type { FoundDocument } from "./found-documents.ts";
import { isStopWord } from "../sources/text/stop-words.ts";
import { splitWords, wordKey, type Word } from "../sources/text/words.ts";

/** The text of one result, and its origin according to the tool. */
interface ResultItem {
  url: string | null;
  heading: string;
  publishedOn: string | null;
  lines: string[];
}

/** The characters read of one call: a long chapter. Reading more would hold up other runs. */
const MAX_READ_CHARS = 100_000;
/** Longer addresses are cited by their server instead. */
const MAX_URL_CHARS = 2_000;
/** Parsing deep nesting takes a second per million characters. Longer JSON is read as text. */
const MAX_JSON_CHARS = 500_000;
/** Longer lines are cut: splitting one into sentences takes the square of its length. */
const MAX_LINE_CHARS = 2_000;
/** Results are lists of flat objects; deeper nesting is not read. */
const MAX_DEPTH = 12;

/**
 * Converts the results of a search tool to sources: one for each result with a web address, one with the server's
 * address for the rest. It reads JSON results, texts with `Title:` and `URL:` lines, and lists of Markdown links.
 * Addresses, like the text, are claims of the tool. Lines that only repeat the question are left out, because they
 * would match it best.
 */
export function readToolTexts(
  texts: readonly ToolText[],
  source: { title: string; url: string; question: string },
): FoundDocument[] {
  const isEcho = createEchoCheck(source.question);
  const budget: ReadingLeft = { chars: MAX_READ_CHARS };
  const items = texts.flatMap((text) => readItems(text, budget));
  const byUrl = new Map<string, FoundDocument & { passages: DocumentSection[] }>();
  for (const { url: claimed, heading, publishedOn, lines } of items) {
    const text = lines.filter((line) => !isEcho(line)).join("\n");
    if (text === "") continue;
    const url = claimed ?? source.url;
    const document = byUrl.get(url) ?? { title: source.title, url, publishedOn, passages: [] };
    document.passages.push(
      ...splitPassages({ heading: cleanLine(heading, MAX_QUOTED_CHARS), text, place: null }),
    );
    byUrl.set(url, document);
  }
  return [...byUrl.values()];
}

function readItems({ text, url }: ToolText, budget: ReadingLeft): ResultItem[] {
  if (budget.chars <= 0) return [];
  const json = parseJson(text);
  const items =
    json === undefined ? readTextItems(take(text, budget)) : readJsonItems(json, budget);
  const outer = url === null ? null : readAddress(url);
  return items.map((item) => ({ ...item, url: item.url ?? outer }));
}

/** How much may still be read; every value costs one beside its characters. */
interface ReadingLeft {
  chars: number;
}

function take(text: string, budget: ReadingLeft): string {
  const taken = text.slice(0, cutPlace(text, budget.chars));
  budget.chars -= taken.length + 1;
  return taken;
}

function readAddress(text: string): string | null {
  const url = readWebUrl(text);
  if (url === null || url.length > MAX_URL_CHARS) return null;
  const { href, username, password } = new URL(url);
  return username === "" && password === "" ? href : null;
}

/** Objects and lists only: a number or a quoted word is text. A fence around the JSON is common. */
function parseJson(text: string): unknown {
  if (text.length > MAX_JSON_CHARS) return undefined;
  const body = text.trim().replace(/^```(?:json)?\n([^]*)\n```$/, "$1");
  if (!/^[[{]/.test(body)) return undefined;
  return tryParseJson(body);
}

const URL_KEYS = ["url", "link", "uri", "href", "source_url", "source"];
const TITLE_KEYS = ["title", "name", "heading"];
const DATE_KEYS = ["published_date", "publish_date", "publishedDate", "published", "date"];
/** Fields with these names describe the search, not its subject. */
const BOOKKEEPING =
  /^_?(?:id|uuid|score|rank|position|index|page|limit|offset|total|count|took|similarity|distance|query|q|question|search|prompt|objective|type|status|lang|language|image|thumbnail|favicon|icon|.*_?(?:id|score|cursor|tokens?))$/i;

const Fields = z.record(z.string(), z.unknown());

function readJsonItems(json: unknown, budget: ReadingLeft): ResultItem[] {
  const rest: ResultItem = { url: null, heading: "", publishedOn: null, lines: [] };
  const items: ResultItem[] = [rest];

  function visit(value: unknown, item: ResultItem, depth: number): void {
    if (depth > MAX_DEPTH || budget.chars <= 0) return;
    if (typeof value === "string") item.lines.push(...readLines(take(value, budget)));
    else if (Array.isArray(value)) for (const child of value) visit(child, item, depth + 1);
    else if (typeof value === "object" && value !== null) visitObject(value, item, depth);
  }

  function visitObject(value: object, outer: ResultItem, depth: number): void {
    budget.chars -= 1;
    const fields = Fields.parse(value);
    const string = (keys: readonly string[]) =>
      keys.map((key) => fields[key]).find((field) => typeof field === "string");
    const url = readAddress(string(URL_KEYS.filter((key) => isAddress(fields[key]))) ?? "");
    let item = outer;
    if (url !== null) {
      const publishedOn = readIsoDate(string(DATE_KEYS) ?? "");
      item = { url, heading: string(TITLE_KEYS) ?? "", publishedOn, lines: [] };
      items.push(item);
    }
    const shown = Object.entries(fields).filter(
      ([key, field]) =>
        !BOOKKEEPING.test(key) && !isAddress(field) && !(url !== null && TITLE_KEYS.includes(key)),
    );
    // The short values of an object belong together, as the cells of a table row do.
    const cells = shown.filter(([, field]) => isCell(field));
    const row = describeRow(
      cells.map(([key]) => key.replaceAll("_", " ")),
      cells.map(([, field]) => normalizeLine(String(field))),
    );
    if (row !== "") item.lines.push(...readLines(take(row, budget)));
    for (const [, field] of shown) if (!isCell(field)) visit(field, item, depth + 1);
  }

  visit(json, rest, 0);
  return items;
}

function isAddress(field: unknown): boolean {
  return typeof field === "string" && readAddress(field) !== null;
}

function isCell(field: unknown): boolean {
  if (typeof field === "number" || typeof field === "boolean") return true;
  return typeof field === "string" && field.length <= 80 && !/\n|[.!?](?:\s|$)/.test(field);
}

/** For trimmed lines: two neighbours that both match spaces would take forever on a line of spaces. */
const SEPARATOR = /^(?:-{3,}|={3,}|\*{3,})$/;
const LABEL =
  /^(?:[-*]\s+)?\**(title|url|link|source|published(?: date)?|date)\**\s*:\**\s+(\S.{0,2000})$/i;
const LINK_ALONE =
  /^(?:(?:#{1,6}|\d{1,3}[.)]|[-*])\s+)?\**\[([^\]]{1,300})\]\((https?:[^\s)]{1,2000})\)\**:?$/i;
const HEADING = /^#{1,6}\s+(\S.{0,300})$/;

/** One result in a text: its parts have headings of their own, its addresses and date are of all. */
interface TextRecord {
  urls: Set<string>;
  publishedOn: string | null;
  parts: { heading: string; lines: string[] }[];
}

function readTextItems(text: string): ResultItem[] {
  const records: TextRecord[] = [];
  const begin = (heading: string) => {
    const begun = { urls: new Set<string>(), publishedOn: null, parts: [{ heading, lines: [] }] };
    records.push(begun);
    return begun;
  };
  let record: TextRecord = begin("");
  for (const untrimmed of text.split("\n")) {
    const line = untrimmed.trim();
    const [, linkTitle, linkUrl = ""] = LINK_ALONE.exec(line) ?? [];
    const [, label = "", value = ""] = LABEL.exec(line) ?? [];
    const [, heading] = HEADING.exec(line) ?? [];
    const address = readAddress(linkUrl) ?? readAddress(value);
    if (linkTitle !== undefined) record = begin(linkTitle);
    else if (label.toLowerCase() === "title") record = begin(value);
    else if (SEPARATOR.test(line)) record = begin("");
    else if (/date|published/i.test(label)) record.publishedOn = readIsoDate(value);
    else if (heading !== undefined) record.parts.push({ heading, lines: [] });
    else if (address === null) record.parts.at(-1)?.lines.push(...readLines(line));
    if (address !== null) record.urls.add(address);
  }
  return records.flatMap(({ urls, publishedOn, parts }) => {
    const [url = null, ...more] = urls;
    // Which of several addresses a line is from is not known: none is cited then.
    return parts.map((part) => ({ ...part, publishedOn, url: more.length > 0 ? null : url }));
  });
}

/** Lines as they may be quoted: without markup that a reader of the answer would follow or load. */
function readLines(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const plain = normalizeLine(
      line
        .trim()
        .replace(/!?\[([^[\]]{0,300})\]\([^()\s]{0,2000}\)/g, "$1")
        .replace(/<\/?[a-z][^<>]{0,300}>/gi, " ")
        .replace(/\*\*|__|`+/g, "")
        .replace(/^(?:[-*•>]|#{1,6}|\d{1,3}[.)])\s+/, ""),
    );
    return cutLine(plain);
  });
}

/** Cuts at the end of a sentence if there is one, else between words. */
function cutLine(line: string): string[] {
  const pieces: string[] = [];
  let rest = line;
  while (rest.length > MAX_LINE_CHARS) {
    const start = rest.slice(0, MAX_LINE_CHARS);
    const sentence = Math.max(start.lastIndexOf(". "), start.lastIndexOf("。"));
    const end = sentence + 1 || start.lastIndexOf(" ") + 1 || cutPlace(rest, MAX_LINE_CHARS);
    const piece = rest.slice(0, end);
    pieces.push(piece.trim());
    rest = rest.slice(piece.length);
  }
  return [...pieces, rest.trim()].filter((piece) => piece !== "");
}

/** The words that tools write around the question when they repeat it: `Found 10 results for …`. */
const ECHO_WORDS = new Set(
  `search searched result found show query question ask answer match top web page document source about total q`
    .split(" ")
    .map(wordKey),
);

/** Creates a check for lines that only repeat the question, such as the headings of result lists. */
export function createEchoCheck(question: string): (line: string) => boolean {
  const asked = splitWords(question).map((word) => word.key);
  return (line) => {
    const words = splitWords(line);
    const at = indexOfSequence(words, asked);
    if (at === -1) return false;
    const rest = [...words.slice(0, at), ...words.slice(at + asked.length)];
    const isAround = ({ text, key }: Word) => ECHO_WORDS.has(key) || isStopWord(text);
    return (
      rest.every((word) => isAround(word) || /^\d+$/.test(word.key)) &&
      (rest.length === 0 || rest.some(isAround))
    );
  };
}

function indexOfSequence(words: readonly Word[], keys: readonly string[]): number {
  if (keys.length === 0 || keys.length > words.length) return -1;
  return words.findIndex((_, start) => keys.every((key, at) => words[start + at]?.key === key));
}
