// Measures the verification of quotes on sentences of the Markdown files of the installed packages: how many quotes are
// accepted that a careful writer may make, and how many that say something else. Run `npm run bench:quotes`;
// `--wrong` lists wrongly judged quotes.
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { marked } from "marked";
import { printFigures } from "./figures.ts";
import { type FoldedText, foldPage } from "../src/engine/research/fold-text.ts";
import { verifyQuote } from "../src/engine/research/verify-quote.ts";

/** Quotes of each class. */
const PER_CLASS = 400;
/** Sentences of one file, so that no package is a large part. */
const PER_FILE = 40;

interface Sentence {
  text: string;
  page: FoldedText;
}

/** Makes a quote of a sentence; null when the sentence does not suit. `other` is a sentence of another page. */
type MakeQuote = (sentence: Sentence, random: () => number, other: Sentence) => string | null;

/** A generator of equal numbers in every run (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<Item>(items: readonly Item[], random: () => number): Item | undefined {
  return items[Math.floor(random() * items.length)];
}

/** The sentence without markup, as Markdown's own library renders it. */
function renderPlain(text: string): string {
  return marked
    .parseInline(text, { async: false })
    .replaceAll(/<[^>]+>/g, "")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

/** Changes one match of the pattern, outside link targets. */
function changeOne(
  text: string,
  pattern: RegExp,
  random: () => number,
  change: (found: string) => string,
): string | null {
  const targets = [...text.matchAll(/\]\([^)]*\)|<?https?:[^\s)>]+/g)];
  const isInTarget = (at: number) =>
    targets.some(({ index, 0: target }) => at >= index && at < index + target.length);
  const match = pick(
    [...text.matchAll(pattern)].filter(({ index }) => !isInTarget(index)),
    random,
  );
  if (match === undefined) return null;
  const { index, 0: found } = match;
  return text.slice(0, index) + change(found) + text.slice(index + found.length);
}

const LONG_WORD = /(?<![\w`/.@-])[a-z]{4,}(?![\w`/.(-])/g;
const otherDigit = (digit: string) => String((Number(digit) + 3) % 10);

function elide({ text }: Sentence, random: () => number, isMeant: (left: string) => boolean) {
  const words = text.split(" ");
  const ends = 4 + Math.floor(random() * 2);
  const left = words.slice(ends, words.length - ends);
  const quote = [...words.slice(0, ends), "…", ...words.slice(words.length - ends)].join(" ");
  return left.length > 0 && isMeant(left.join(" ")) ? quote : null;
}

const NEGATED = /\b(?:not|never|without|except|unless|cannot|only|no|instead)\b|n['’]t\b/i;

const HONEST: Readonly<Record<string, MakeQuote>> = {
  verbatim: ({ text }) => text,
  "curly quotes, dashes, spaces": ({ text }) => {
    const quote = text
      .replaceAll(/"([^"]*)"/g, "“$1”")
      .replaceAll("'", "’")
      .replaceAll(" - ", " – ")
      .replace(" ", "\u00a0");
    return /['"]| - /.test(text) ? quote : null;
  },
  "emphasis and links dropped": ({ text }) => {
    const plain = renderPlain(text);
    return plain === text ? null : plain;
  },
  "case changed, dot added": ({ text }) => `${text.toUpperCase()}.`,
  "wrapped in quotes and dots": ({ text }) => `"...${text}..."`,
  "middle elided": (sentence, random) =>
    elide(sentence, random, (left) => left.length < 300 && !NEGATED.test(left)),
  "line break inside a word": ({ text }, random) =>
    changeOne(text, /\b[a-z]{8,}\b/g, random, (word) => `${word.slice(0, 4)}-\n${word.slice(4)}`),
  "one typo": ({ text }, random) =>
    changeOne(text, LONG_WORD, random, (word) => {
      const at = Math.floor(random() * word.length);
      return word.slice(0, at) + word.slice(at + 1);
    }),
};

const BAD: Readonly<Record<string, MakeQuote>> = {
  "number changed": ({ text }, random) => changeOne(text, /\d/g, random, otherDigit),
  "not inserted": ({ text }, random) =>
    changeOne(
      text,
      /\b(?:is|are|can|will|should|must|may|does|do)\b(?! not)/g,
      random,
      (verb) => `${verb} not`,
    ),
  "not removed": ({ text }, random) =>
    changeOne(text, /\b(?:not|never) |n['’]t\b/g, random, () => ""),
  "not elided": (sentence, random) =>
    elide(sentence, random, (left) => left.length < 300 && NEGATED.test(left)),
  "not cut off": ({ text }) =>
    /(?<![-—])\b(?:not|never|without|only) ([^.;]{20,})/.exec(text)?.[1] ?? null,
  "one word replaced": ({ text }, random, other) => {
    const word = pick([...other.text.matchAll(LONG_WORD)], random)?.[0];
    if (word === undefined || text.includes(word)) return null;
    return changeOne(text, LONG_WORD, random, () => word);
  },
  "invented tail": ({ text }, _random, other) =>
    `${text.slice(0, text.lastIndexOf(" "))} ${other.text.split(" ").slice(-5).join(" ")}`,
  "parts reversed": ({ text }) => {
    const words = text.split(" ");
    const half = Math.floor(words.length / 2);
    return `${words.slice(half).join(" ")} … ${words.slice(0, half).join(" ")}`;
  },
  "parts far apart": ({ text, page }, _random) => {
    const at = page.original.indexOf(text);
    const far = at + text.length + 900;
    const later = page.original.slice(far).match(/\b\w+(?: \w+){4,6}/)?.[0];
    return later === undefined || page.original.indexOf(later) < far ? null : `${text} … ${later}`;
  },
  "of another page": ({ page }, _random, other) =>
    page.original.includes(other.text) ? null : other.text,
};

/** Documented: folding drops link targets, and the excerpt shows the page's own. */
const HARMLESS: Readonly<Record<string, MakeQuote>> = {
  "number in a link target changed": ({ text }) => {
    const target = /\]\([^)\d]*(\d)/d.exec(text);
    const at = target?.indices?.[1]?.[0];
    if (target === null || at === undefined) return null;
    return text.slice(0, at) + otherDigit(text.charAt(at)) + text.slice(at + 1);
  },
};

async function readSentences(random: () => number): Promise<Sentence[]> {
  const seen = new Set<string>();
  const sentences: Sentence[] = [];
  const files = await readdir("node_modules", { recursive: true });
  for (const file of files.filter((name) => name.endsWith(".md")).toSorted()) {
    const text = await readFile(join("node_modules", file), "utf8").catch(() => "");
    const hash = createHash("sha256").update(text).digest("hex");
    if (text.length < 1_500 || text.length > 300_000 || seen.has(hash)) continue;
    seen.add(hash);
    const page = foldPage(text);
    const own = splitSentences(text).map((sentence) => ({ text: sentence, page }));
    sentences.push(...shuffle(own, random).slice(0, PER_FILE));
  }
  return shuffle(sentences, random);
}

function splitSentences(text: string): string[] {
  const segmenter = new Intl.Segmenter("en", { granularity: "sentence" });
  const prose = text.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, "").split(/\n\s*\n/);
  return prose.flatMap((paragraph) =>
    /^\s*[#|<>]|^ {4}/.test(paragraph)
      ? []
      : [...segmenter.segment(paragraph.replace(/^\s*[-*+] /, ""))].flatMap(({ segment }) => {
          const sentence = segment.trim();
          const isProse = /^[A-Z][^\n|]{50,300}[.!?]$/.test(sentence);
          return isProse && sentence.split(" ").length >= 10 ? [sentence] : [];
        }),
  );
}

function shuffle<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => ({ item, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

const random = createRandom(1);
const sentences = await readSentences(random);
let checks = 0;
let spentMs = 0;

/** The share of the quotes of a class that are accepted, in percent. */
function measure(name: string, make: MakeQuote, isHonest: boolean): number {
  const isChanged = !isHonest && name !== "not cut off";
  let made = 0;
  let accepted = 0;
  for (const [index, sentence] of sentences.entries()) {
    const other = sentences[(index + 1_000) % sentences.length];
    if (made === PER_CLASS || other === undefined) break;
    const quote = make(sentence, random, other);
    // A changed quote may by chance be what the page says elsewhere.
    if (quote === null || (isChanged && sentence.page.original.includes(quote))) continue;
    made += 1;
    const began = performance.now();
    const check = verifyQuote(sentence.page, quote);
    spentMs += performance.now() - began;
    checks += 1;
    if (check.isVerified) accepted += 1;
    if (check.isVerified !== isHonest && process.argv.includes("--wrong")) {
      console.log(
        `\n${name}: ${JSON.stringify(check)}\n  page:  ${sentence.text}\n  quote: ${quote}`,
      );
    }
  }
  if (made < PER_CLASS) console.error(`${name}: only ${made} quotes`);
  return (accepted / made) * 100;
}

const classes = [
  ...Object.entries(HONEST).map(([name, make]) => ({ name, make, kind: "honest" }) as const),
  ...Object.entries(BAD).map(([name, make]) => ({ name, make, kind: "bad" }) as const),
  ...Object.entries(HARMLESS).map(([name, make]) => ({ name, make, kind: "harmless" }) as const),
];
const figures = classes.map(({ name, make, kind }) => ({
  figure: `${kind}, accepted: ${name}`,
  value: measure(name, make, kind === "honest"),
  unit: "%",
}));
printFigures("quotes", [
  ...figures,
  { figure: "quotes of each class", value: PER_CLASS, unit: "" },
  { figure: "time per quote", value: spentMs / checks, unit: "ms" },
]);
