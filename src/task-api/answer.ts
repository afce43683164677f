import { z } from "zod";
import { JsonObject } from "./task-spec.ts";

// The answer from outside to a run in `action_required`: an extension of our engine, `/v1/tasks/runs/{run_id}/answer`.

/** The most queries for more evidence in one submission. */
export const MAX_QUERIES = 3;

/** A passage of the evidence, as an answer cites it. */
export const EvidenceOfAnswer = z.object({
  /** `p1.4`. */
  id: z.string(),
  title: z.string(),
  url: z.string(),
  /** The path of headings above it; empty before the first one. */
  heading: z.string(),
  /** `p. 9`, `slide 3` or `line 120`; null where that says nothing. */
  place: z.string().nullable(),
  text: z.string(),
});
export type EvidenceOfAnswer = z.infer<typeof EvidenceOfAnswer>;

/** What a run needs in order to be answered. */
export const AnswerForm = z.object({
  run_id: z.string(),
  question: z.string(),
  /** The JSON schema that the output has to follow; null for a text. */
  output_schema: JsonObject.nullable(),
  /** What the text should be like, in the words of the task; null when it does not say. */
  output_description: z.string().nullable(),
  rules: z.array(z.string()),
  /** ISO 8601: then the run fails. */
  deadline: z.string(),
  /** How many more answers may be refused before the run fails. */
  tries_left: z.number(),
  /** How many more queries the processor has. */
  queries_left: z.number(),
  passages: z.array(EvidenceOfAnswer),
  offset: z.number(),
  /** Where the evidence goes on; null when these passages are the last. */
  next_offset: z.number().nullable(),
  passages_total: z.number(),
});
export type AnswerForm = z.infer<typeof AnswerForm>;

/** Each quote is compared with every page of the evidence, while other requests wait. */
const MAX_CITATIONS = 500;

function isCiteable(citations: Record<string, string[]>): boolean {
  const all = Object.values(citations).reduce((sum, { length }) => sum + Math.max(1, length), 0);
  return all <= MAX_CITATIONS;
}

const QUERY_RULE = `write one to ${MAX_QUERIES} queries of at most 300 characters`;

/** An answer with its evidence, or queries for more evidence. */
export const AnswerSubmission = z
  .strictObject({
    output: z.union([z.string(), JsonObject]).optional(),
    /** By field (`output` for a text): ids of passages, or quotes of them. */
    citations: z
      .record(z.string(), z.array(z.string()))
      .refine(isCiteable, { error: `send at most ${MAX_CITATIONS} citations` })
      .optional(),
    queries: z
      .array(z.string().trim().min(1, QUERY_RULE).max(300, QUERY_RULE))
      .min(1, QUERY_RULE)
      .max(MAX_QUERIES, QUERY_RULE)
      .optional(),
  })
  .refine(({ output, queries }) => (output === undefined) !== (queries === undefined), {
    error: "send either an output with its citations, or queries for more evidence",
  });
export type AnswerSubmission = z.infer<typeof AnswerSubmission>;
