import { wordKey } from "../../sources/text/words.ts";

/**
 * Words that questions and documents use for the same thing. Only those with which people ask for a fact of any kind;
 * the vocabulary of a subject is the documents' own.
 */
const GROUPS: readonly (readonly string[])[] = [
  ["founded", "established", "created", "formed", "started", "inception"],
  ["population", "inhabitants"],
  ["height", "high", "tall", "elevation", "highest", "tallest"],
  ["length", "long", "longest"],
  ["size", "big", "large", "biggest", "largest"],
  ["distance", "far"],
  ["age", "old", "oldest"],
  ["depth", "deep", "deepest"],
  ["weight", "heavy", "mass", "heaviest", "weigh"],
  ["speed", "fast", "velocity", "fastest"],
  ["temperature", "hot", "cold"],
  ["price", "cost", "expensive"],
  ["won", "win", "winner", "winners", "awarded"],
  ["headquarters", "headquartered", "seat"],
];

const BY_KEY = new Map(
  GROUPS.flatMap((group) => group.map((word) => [wordKey(word), group] as const)),
);

/** The words that may stand for this one, itself first. */
export function withSynonyms(word: string): string[] {
  const key = wordKey(word);
  const others = BY_KEY.get(key) ?? [];
  return [word, ...others.filter((other) => wordKey(other) !== key)];
}
