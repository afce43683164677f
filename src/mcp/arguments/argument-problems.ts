import type { z } from "zod";
import { oneLine } from "../report/reading/page-text.ts";

/** What is wrong with one argument, and what to write instead. */
export interface ArgumentProblem {
  /** The path of the argument, such as `source_policy.include_domains.0`; empty for all of them together. */
  argument: string;
  fix: string;
  /** An id that another tool takes. */
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
 * The output has no such field or section. `known`, those that there are in its place, come from the output, so they may
 * hold any text. `inside`: the longest part of the path that there is, in the caller's words; undefined for none.
 */
export class PlaceNotFound extends Error {
  override readonly name = "PlaceNotFound";
  readonly place: {
    kind: "field" | "section";
    name: string;
    known: readonly string[];
    inside?: string;
  };

  constructor(place: PlaceNotFound["place"]) {
    super(`The output has no such ${place.kind}`);
    this.place = place;
  }
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** zod's own words for a union no member of which fits; anything else was written by us. */
const ZOD_UNION_MESSAGE = "Invalid input";
/** Long enough for every path of the API, short enough for a line. */
const PATH_BUDGET = 120;

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
      const told = problem(path, issue.message);
      return [typeof idOfOther === "string" ? { ...told, idOfOther } : told];
    }
    default:
      return [problem(path, issue.message)];
  }
}

/** The member of a union the caller most likely meant: the right type, with the least wrong in it. */
function closestMember(members: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const rightType = members.filter(
    (issues) => !issues.some((issue) => issue.code === "invalid_type" && issue.path.length === 0),
  );
  const candidates = rightType.length > 0 ? rightType : members;
  return candidates.toSorted((a, b) => a.length - b.length)[0];
}

/** In place of zod's own words; others were written by us. */
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
  return { argument: oneLine(path.map(String).join("."), PATH_BUDGET), fix };
}
