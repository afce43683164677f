import type { z } from "zod";
import { cleanLine } from "../../text/clean-text.ts";

/** The problem of one argument, and what to write instead. */
export interface ArgumentProblem {
  /** The path of the argument, such as `source_policy.include_domains.0`; empty for the arguments as a whole. */
  argument: string;
  fix: string;
  /** The argument is an id that belongs to another tool. */
  idOfOther?: string;
}

/** The call cannot be carried out as it was written. Nothing was sent. */
export class InvalidArguments extends Error {
  override readonly name = "InvalidArguments";
  readonly problems: readonly ArgumentProblem[];

  constructor(problems: readonly ArgumentProblem[]) {
    super(problems.map(({ argument, fix }) => `${argument}: ${fix}`).join("; "));
    this.problems = problems;
  }
}

/**
 * The output has no such field or section. `known`: the names there, from the output, so any text from outside.
 * `inside`: the part of the path that does exist, in the caller's words.
 */
export class PartNotFound extends Error {
  override readonly name = "PartNotFound";
  readonly part: {
    kind: "field" | "section";
    name: string;
    known: readonly string[];
    inside?: string;
  };

  constructor(part: PartNotFound["part"]) {
    super(`The output has no such ${part.kind}`);
    this.part = part;
  }
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** zod's message when no member of a union fits. Any other message is ours. */
const ZOD_UNION_MESSAGE = "Invalid input";
/** Long enough for every path of the API, short enough for a line. */
const PATH_CHARS = 120;

/** Every problem zod found, once each. */
export function argumentProblems(error: z.ZodError): ArgumentProblem[] {
  return error.issues.flatMap((issue) => problemsOf(issue, []));
}

function problemsOf(issue: Issue, base: Path): ArgumentProblem[] {
  const path = [...base, ...issue.path];
  switch (issue.code) {
    case "invalid_union": {
      if (issue.message !== ZOD_UNION_MESSAGE) return [problem(path, issue.message)];
      const closest = closestMember(issue.errors);
      return closest === undefined
        ? [problem(path, "no allowed form fits")]
        : closest.flatMap((inner) => problemsOf(inner, path));
    }
    case "invalid_key":
      return issue.issues.map((inner) => problem(path, inner.message));
    case "invalid_value":
      return [problem(path, describeChoice(issue.values, issue.message))];
    case "invalid_type":
      return [problem(path, describeType(issue.expected, issue.message))];
    case "unrecognized_keys":
      return issue.keys.map((key) => problem([...path, key], "unknown here; remove it"));
    case "custom": {
      const idOfOther: unknown = issue.params?.["idOfOther"];
      const found = problem(path, issue.message);
      return [typeof idOfOther === "string" ? { ...found, idOfOther } : found];
    }
    default:
      return [problem(path, issue.message)];
  }
}

/** The union member that the caller most likely intended: the right type with the fewest issues. */
function closestMember(members: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const rightType = members.filter(
    (issues) => !issues.some((issue) => issue.code === "invalid_type" && issue.path.length === 0),
  );
  const candidates = rightType.length > 0 ? rightType : members;
  return candidates.toSorted((a, b) => a.length - b.length)[0];
}

/** Replaces zod's message; our own messages stay. */
function describeChoice(values: readonly unknown[], message: string): string {
  return message.startsWith("Invalid ") ? `write one of ${values.join(", ")}` : message;
}

function describeType(expected: string, message: string): string {
  if (!message.startsWith("Invalid input: expected")) return message;
  const wanted = expected === "record" ? "object" : expected;
  return message.endsWith("received undefined")
    ? `required; write ${withArticle(wanted)}`
    : `write ${withArticle(wanted)}, not ${message.split("received ").at(-1) ?? "this"}`;
}

function withArticle(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

function problem(path: Path, fix: string): ArgumentProblem {
  return { argument: cleanLine(path.map(String).join("."), PATH_CHARS), fix };
}
