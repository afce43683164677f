import { type AnswerSubmission } from "../../../task-api/answer.ts";
import type { FieldBasis, RunOutput } from "../../../task-api/output.ts";
import type { RunInput } from "../../../task-api/run-input.ts";
import { type JsonObject, isJsonObject, requestedOutput } from "../../../task-api/task-spec.ts";
import type { EvidencePassage, EvidenceStore } from "../../research/evidence-store.ts";
import { type FoldedText, foldPage } from "../../research/fold-text.ts";
import { type QuoteProblem, verifyQuote } from "../../research/verify-quote.ts";
import { findProblems } from "../../schema-conformity.ts";
import { citedUrl } from "../../sources/place.ts";
import { splitSentences } from "../../sources/text/sentences.ts";
import {
  basisByRule,
  isEmpty,
  statesValue,
  type VerifiedExcerpt,
} from "../../research/rule-basis.ts";

/** What is wrong with a submitted answer: where, and what to do about it. */
export interface AnswerProblem {
  type: string;
  loc: (string | number)[];
  msg: string;
}

export type CheckedAnswer =
  | { output: RunOutput; problems: [] }
  | { output: null; problems: AnswerProblem[] };

/** The evidence of a run, as answers cite it. */
interface KeptEvidence {
  passages: ReadonlyMap<string, EvidencePassage>;
  stretches: readonly Stretch[];
}

/** Passages that stand together in their page, as one text; a passage begins at its offset. */
interface Stretch {
  text: FoldedText;
  starts: { offset: number; passage: EvidencePassage }[];
}

/**
 * Checks an answer against the schema of the run and every citation against the evidence that the run has kept. An
 * answer without problems comes back as the output of the run, with the pages' own words as citations.
 */
export async function checkAnswer(
  { runId, input }: { runId: string; input: RunInput },
  { output: given, citations = {} }: AnswerSubmission,
  evidence: EvidenceStore,
): Promise<CheckedAnswer> {
  const output = readOutput(input, given);
  const problems = await checkOutputForm(input, output);
  const fields = typeof output === "string" ? { output } : (output ?? {});
  const kept = await readEvidence(runId, evidence);
  const basis: FieldBasis[] = [];
  for (const [field, cited] of Object.entries(citations)) {
    const value = valueAt(fields, field);
    if (value === undefined) {
      const names = Object.keys(fields).slice(0, 20).join(", ");
      const msg = `the output has no such field; its fields are: ${names}`;
      problems.push({ type: "unknown_field", loc: ["citations", field], msg });
      continue;
    }
    const excerpts = cited.flatMap((citation, index) => {
      const found = findCitation(citation, value, kept);
      if (!("msg" in found)) return [found];
      problems.push({ ...found, loc: ["citations", field, index] });
      return [];
    });
    basis.push(basisByRule({ field, value, excerpts }));
  }
  for (const [field, value] of Object.entries(fields)) {
    if (basis.some((one) => one.field === field || one.field.startsWith(`${field}.`))) continue;
    if (isEmpty(value)) basis.push(basisByRule({ field, value, excerpts: [] }));
    else if (!Object.hasOwn(citations, field)) {
      const msg = `cite passages or quotes for ${field}; [] says that no evidence supports it`;
      problems.push({ type: "missing_citations", loc: ["citations", field], msg });
    }
  }
  if (problems.length > 0 || output === undefined) return { output: null, problems };
  const accepted: RunOutput =
    typeof output === "string"
      ? { type: "text", content: output, basis }
      : { type: "json", content: output, basis };
  return { output: accepted, problems: [] };
}

/** Some agents send an object as its text. */
function readOutput(
  { task_spec }: RunInput,
  output: AnswerSubmission["output"],
): AnswerSubmission["output"] {
  if (typeof output !== "string" || requestedOutput(task_spec).type !== "json") return output;
  try {
    const parsed: unknown = JSON.parse(output);
    return isJsonObject(parsed) ? parsed : output;
  } catch {
    return output;
  }
}

/** Where the output is not what the task asked for. */
async function checkOutputForm(
  { task_spec }: RunInput,
  output: AnswerSubmission["output"],
): Promise<AnswerProblem[]> {
  const requested = requestedOutput(task_spec);
  if (requested.type === "json") {
    if (typeof output === "string") {
      return [{ type: "wrong_form", loc: ["output"], msg: "write an object of the output_schema" }];
    }
    const found = await findProblems(requested.jsonSchema, output);
    return found.map((msg) => ({ type: "schema", loc: ["output"], msg }));
  }
  if (typeof output === "string" && output.trim() !== "") return [];
  if (requested.type === "auto" && isJsonObject(output)) return [];
  return [{ type: "wrong_form", loc: ["output"], msg: "write a text that answers the question" }];
}

/** The value at a path such as `founders.0.name`; a field may have dots in its name. */
function valueAt(fields: JsonObject, path: string): unknown {
  if (Object.hasOwn(fields, path)) return fields[path];
  return path.split(".").reduce<unknown>((value, name) => {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) {
      return undefined;
    }
    return Object.entries(value).find(([key]) => key === name)?.[1];
  }, fields);
}

async function readEvidence(runId: string, evidence: EvidenceStore): Promise<KeptEvidence> {
  const passages = new Map<string, EvidencePassage>();
  const stretches: Stretch[] = [];
  for (const { id } of await evidence.pages(runId)) {
    const kept = await evidence.readPage(runId, id);
    for (const passage of kept) passages.set(passage.id, passage);
    stretches.push(...stretchesOf(kept).map(toStretch));
  }
  return { passages, stretches };
}

/** Cuts a page where its text is not whole: a heading, or passages that are not kept, stand between two others. */
function stretchesOf(kept: readonly EvidencePassage[]): EvidencePassage[][] {
  const stretches: EvidencePassage[][] = [];
  for (const passage of kept) {
    const last = stretches.at(-1)?.at(-1);
    const isNext = last?.position === passage.position - 1 && last.heading === passage.heading;
    if (isNext) stretches.at(-1)?.push(passage);
    else stretches.push([passage]);
  }
  return stretches;
}

function toStretch(passages: readonly EvidencePassage[]): Stretch {
  let text = "";
  const starts = passages.map((passage) => {
    const offset = text.length;
    text += `${passage.text}\n`;
    return { offset, passage };
  });
  return { text: foldPage(text), starts };
}

/** Also in brackets, as forms of the Tasks extension show it. */
const PASSAGE_ID = /^\[?(p\d+\.\d+)\]?$/;

/** The excerpt that a citation stands for, or what is wrong with it. */
function findCitation(
  citation: string,
  value: unknown,
  { passages, stretches }: KeptEvidence,
): VerifiedExcerpt | Omit<AnswerProblem, "loc"> {
  const [, id] = PASSAGE_ID.exec(citation.trim()) ?? [];
  if (id !== undefined) {
    const passage = passages.get(id);
    if (passage !== undefined) return excerptOf(passage, bestSpan(passage.text, value));
    return {
      type: "unknown_passage",
      msg: `the run has no passage ${id}; use an id of the evidence, or a quote`,
    };
  }
  let problem: QuoteProblem = "absent";
  for (const { text, starts } of stretches) {
    const check = verifyQuote(text, citation);
    if (check.isVerified) {
      const passage = starts.findLast(({ offset }) => offset <= check.start)?.passage;
      if (passage !== undefined) return excerptOf(passage, check.excerpt);
    } else if (check.problem !== "absent") problem = check.problem;
  }
  return { type: `quote_${problem}`, msg: QUOTE_PROBLEMS[problem] };
}

const QUOTE_PROBLEMS: Readonly<Record<QuoteProblem, string>> = {
  too_short: "a quote has at least 12 characters; cite the id of the passage instead",
  too_long: "a quote has at most 2,000 characters; cite the id of the passage instead",
  unfaithful_elision:
    "the ellipsis leaves out a negation or too much; quote without an ellipsis, or cite the id",
  altered:
    "the evidence has similar words, but with another number, negation or word; copy its words, or cite the id",
  absent: "no kept passage has these words; copy the words of a passage, or cite its id",
};

function excerptOf({ page, place }: EvidencePassage, excerpt: string): VerifiedExcerpt {
  return { excerpt, document: { url: citedUrl(page.url, place), title: page.title } };
}

/** The sentence that states the value; without one, the whole passage. */
function bestSpan(text: string, value: unknown): string {
  return splitSentences(text).find((sentence) => statesValue(sentence, value)) ?? text;
}
