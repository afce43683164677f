import type { RunInput } from "../../../task-api/run-input.ts";
import {
  type JsonObject,
  JsonObject as JsonObjectSchema,
  requestedOutput,
} from "../../../task-api/task-spec.ts";
import { isStopWord } from "../../sources/text/stop-words.ts";
import { splitIdentifier, splitWords, wordKey } from "../../sources/text/words.ts";
import type { Attempt, ConversationTurn } from "../executor.ts";

/** The task in a run's input and task spec. */
export interface ResearchTask {
  /** The question, or the values of an input object. */
  asked: readonly string[];
  /** What the question itself does not say: the object's keys, what an object is asked for, an earlier question. */
  hints: readonly string[];
  /** The values the input object holds under a key of that name (`countries` is found as `country`). */
  givenValues(name: string): readonly string[];
}

/**
 * Reads the task of an attempt. A follow-up that only makes sense with the question before it ("And in 2022?") takes
 * over what it does not replace; for another, the earlier question is a hint.
 */
export function readTask({ input, previous }: Pick<Attempt, "input" | "previous">): ResearchTask {
  const task = readOwnTask(input);
  const earlier = previous.reduce((before, turn) => completeQuestion(questionOf(turn), before), "");
  if (earlier === "") return task;
  const own = task.asked.join(" ");
  const completed = completeQuestion(own, earlier);
  if (completed === own) return { ...task, hints: [...task.hints, earlier] };
  return { ...task, asked: [completed] };
}

function questionOf({ input }: ConversationTurn): string {
  return readInput(input).asked.join(" ");
}

/** The question with what it takes from the earlier one: all but the names and numbers that it has itself. */
function completeQuestion(question: string, earlier: string): string {
  if (!isElliptic(question)) return question;
  const words = splitWords(question);
  const hasNumber = words.some(({ text }) => isNumber(text));
  const hasName = words.some(({ text }) => isName(text));
  const kept = splitWords(earlier).filter(
    ({ text }, index) => !(hasNumber && isNumber(text)) && !(hasName && index > 0 && isName(text)),
  );
  return [question, ...kept.map(({ text }) => text)].join(" ");
}

/** Whether a question refers to an earlier one: by its first word, a pronoun, or because it has hardly a word. */
function isElliptic(question: string): boolean {
  return (
    /^\s*(?:and|or|but|so|(?:what|how) about)\b/i.test(question) ||
    /\b(?:its?|they|them|their|he|him|his|she|her|this|that|these|those)\b/i.test(question) ||
    splitWords(question).filter(({ text }) => !isStopWord(text)).length <= 1
  );
}

function isNumber(word: string): boolean {
  return /^\d/.test(word);
}

function isName(word: string): boolean {
  return /^\p{Lu}/u.test(word) && !isStopWord(word);
}

function readOwnTask({ input, task_spec }: RunInput): ResearchTask {
  const task = readInput(input);
  if (typeof input === "string") return task;
  // An object names a subject only: what is asked about it is in the description.
  const output = requestedOutput(task_spec);
  const description = output.type === "text" ? (output.description ?? "") : "";
  return { ...task, hints: [...task.hints, description] };
}

function readInput(input: RunInput["input"]): ResearchTask {
  if (typeof input === "string") return { asked: [input], hints: [], givenValues: () => [] };
  const entries = flatten(input);
  return {
    asked: entries.map(({ values }) => values.join(", ")),
    hints: entries.map(({ key }) => splitIdentifier(key)),
    givenValues: (name) =>
      entries.filter(({ key }) => wordKey(key) === wordKey(name)).flatMap(({ values }) => values),
  };
}

function flatten(input: JsonObject): { key: string; values: string[] }[] {
  return Object.entries(input).flatMap(([key, value]) => {
    if (value === null || value === undefined) return [];
    if (Array.isArray(value)) {
      const scalars = value.filter((item) => typeof item !== "object").map(describeScalar);
      const nested = value.filter((item) => typeof item === "object");
      return [
        ...(scalars.length > 0 ? [{ key, values: scalars }] : []),
        ...nested.flatMap((item) => flatten(JsonObjectSchema.catch({}).parse(item))),
      ];
    }
    if (typeof value === "object") return flatten(JsonObjectSchema.catch({}).parse(value));
    return [{ key, values: [describeScalar(value)] }];
  });
}

function describeScalar(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
