import type { RunInput } from "../../../task-api/run-input.ts";
import {
  type JsonObject,
  JsonObject as JsonObjectSchema,
  requestedOutput,
} from "../../../task-api/task-spec.ts";
import { splitIdentifier, wordKey } from "../../sources/text/words.ts";
import type { Attempt } from "../executor.ts";
import { readQuestion } from "./question.ts";

/** The task in a run's input and task spec. */
export interface ResearchTask {
  /** The question, or the values of an input object. */
  asked: readonly string[];
  /** The object's keys and the description of a text output. */
  hints: readonly string[];
  /** The values the input object holds under a key of that name (`countries` is found as `country`). */
  givenValues(name: string): readonly string[];
}

/**
 * Reads the task of an attempt. Words of the question before it are hints, and a follow-up that names nothing itself
 * ("And in 2022?") asks about the same subject.
 */
export function readTask({ input, previous }: Pick<Attempt, "input" | "previous">): ResearchTask {
  const task = readOwnTask(input);
  const before = previous.at(-1);
  if (before === undefined) return task;
  const earlier = readOwnTask({ ...input, input: before.input }).asked.join(" ");
  const { names, objects } = readQuestion({ asked: task.asked, hints: [] });
  const isElliptic = names.length === 0 && objects.length === 0;
  return {
    ...task,
    asked: isElliptic ? [...task.asked, withoutNumbers(earlier)] : task.asked,
    hints: [...task.hints, earlier],
  };
}

/** The year or amount of an earlier question is what a follow-up replaces. */
function withoutNumbers(text: string): string {
  return text.replaceAll(/\d[\d.,]*/g, "");
}

function readOwnTask({ input, task_spec }: RunInput): ResearchTask {
  const output = requestedOutput(task_spec);
  const description = output.type === "text" ? (output.description ?? "") : "";
  if (typeof input === "string") {
    return { asked: [input], hints: [description], givenValues: () => [] };
  }
  const entries = flatten(input);
  return {
    // The items of a list are alternatives: sentences about any of three countries answer a question about all three.
    asked: entries.map(({ values }) => values.join(", ")),
    hints: [...entries.map(({ key }) => splitIdentifier(key)), description],
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
