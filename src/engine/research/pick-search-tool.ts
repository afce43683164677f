import type { RunTool } from "../mcp-servers/run-mcp-servers.ts";
import { z } from "zod";
import { splitIdentifier } from "../sources/text/words.ts";

/** A tool that works like a search engine, and how to call it. */
export interface SearchTool {
  tool: RunTool;
  argument: string;
  /** The longest question it takes, in characters. */
  maxChars: number;
}

/**
 * Which of a server's tools is asked, without a model to decide. A tool is a candidate when
 * - it takes one text: exactly one argument is required and it is free text, or none is and one is named like a query;
 * - its name has none of {@link CHANGING_WORDS}, and it does not say that it changes things, unless `allowed_tools`
 *   names it;
 * - its name, or else its description, has one of {@link SEARCH_WORDS}.
 * The best name wins (an earlier word first), then the best description, then the first in the list.
 */
export function pickSearchTool(tools: readonly RunTool[]): SearchTool | null {
  const candidates = tools.flatMap((tool) => {
    const argument = textArgument(tool);
    const rank = rankTool(tool);
    return argument === null || rank === null ? [] : [{ tool, rank, ...argument }];
  });
  const [best] = candidates.toSorted((a, b) => a.rank - b.rank);
  if (best === undefined) return null;
  return { tool: best.tool, argument: best.argument, maxChars: best.maxChars };
}

/** Words in the names of tools that answer questions, the surest first. */
const SEARCH_WORDS = [
  "search",
  "query",
  "ask",
  "find",
  "lookup",
  "look",
  "research",
  "retrieve",
  "answer",
];

/** A name with one of these (`save_search`) does something else than answer. */
const CHANGING_WORDS = wordSet(
  `add create delete edit insert post publish remove replace save send set store subscribe update upload write`,
);

/** Names of an optional argument that holds the question. */
const QUERY_ARGUMENTS = wordSet(`query q question search text prompt objective input`);

/** An argument with one of these in its name holds one text, but no question. */
const OTHER_ARGUMENTS = wordSet(`url uri id path file cursor date key`);

function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.split(" "));
}

/** Search engines cut or reject longer questions. */
const MAX_QUESTION_CHARS = 1_000;

function wordsOf(text: string): string[] {
  return splitIdentifier(text)
    .toLowerCase()
    .split(/[^a-z]+/);
}

function rankTool({ name, description, changesThings, isAllowedByName }: RunTool): number | null {
  const nameWords = wordsOf(name);
  const mayChange = changesThings || nameWords.some((word) => CHANGING_WORDS.has(word));
  if (mayChange && !isAllowedByName) return null;
  const inName = SEARCH_WORDS.findIndex((word) => nameWords.includes(word));
  if (inName !== -1) return inName;
  // `Searches the web`: descriptions are sentences.
  const described = wordsOf(description);
  const inDescription = SEARCH_WORDS.findIndex((word) =>
    described.some((other) => other === word || other === `${word}s` || other === `${word}es`),
  );
  return inDescription === -1 ? null : SEARCH_WORDS.length + inDescription;
}

const InputSchema = z.looseObject({
  properties: z.record(z.string(), z.unknown()).catch({}).default({}),
  required: z.array(z.string()).catch([]).default([]),
});

const FreeText = z.looseObject({
  type: z.union([
    z.literal("string"),
    z.array(z.string()).refine((types) => types.includes("string")),
  ]),
  enum: z.undefined().optional(),
  const: z.undefined().optional(),
  format: z.undefined().optional(),
  pattern: z.undefined().optional(),
  maxLength: z.number().positive().optional().catch(undefined),
});

function textArgument({ inputSchema }: RunTool): { argument: string; maxChars: number } | null {
  const { properties, required } = InputSchema.parse(inputSchema);
  const texts = new Map(
    Object.entries(properties).flatMap(([name, schema]) => {
      const text = FreeText.safeParse(schema);
      return text.success && !isOtherArgument(name) ? [[name, text.data] as const] : [];
    }),
  );
  const optional = [...texts.keys()].filter((name) => QUERY_ARGUMENTS.has(name.toLowerCase()));
  const [argument, ...more] = required.length > 0 ? required : optional;
  const text = argument === undefined ? undefined : texts.get(argument);
  if (argument === undefined || more.length > 0 || text === undefined) return null;
  return { argument, maxChars: Math.min(text.maxLength ?? Infinity, MAX_QUESTION_CHARS) };
}

function isOtherArgument(name: string): boolean {
  return wordsOf(name).some((word) => OTHER_ARGUMENTS.has(word));
}
