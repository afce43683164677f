import { z } from "zod";

/** The outcome of a request to cancel, confirmed by reading the run or group again. */
export const CancelOutcome = z.enum([
  "cancelled",
  "cancelling",
  "already_finished",
  "not_supported",
  "not_found",
]);
export type CancelOutcome = z.infer<typeof CancelOutcome>;

/** The usual seconds of a run, without time in the queue. */
const SecondsRange = z.object({ from: z.number(), to: z.number() });

/** One citation of a completed run, short enough to show with the answer. */
export const KeyCitation = z.object({
  field: z.string().optional(),
  url: z.string(),
  title: z.string().optional(),
  excerpt: z.string().optional(),
});
export type KeyCitation = z.infer<typeof KeyCitation>;

/** Which part is shown, and where the next part starts. */
export const Cut = z.object({
  offset: z.number(),
  next_offset: z.number().optional(),
  total: z.number(),
  unit: z.enum(["characters", "citations", "steps", "passages", "headings"]),
});
export type Cut = z.infer<typeof Cut>;

/** An entry of an outline: a section that a call can read by its name. */
export const SectionEntry = z.object({
  section: z.string(),
  level: z.number(),
  chars: z.number(),
});
export type SectionEntry = z.infer<typeof SectionEntry>;

/** A passage of a document that the run has read, or a heading of it. */
export const SeenPassage = z.object({
  /** `p1.4`. Of a heading: the first passage below it. */
  id: z.string(),
  heading: z.string().optional(),
  place: z.string().optional(),
  /** Left out when it is the document's. */
  url: z.string().optional(),
  text: z.string().optional(),
  /** The passage cannot be read: it is too far from what the run found. */
  not_kept: z.boolean().optional(),
});
export type SeenPassage = z.infer<typeof SeenPassage>;

/** A document that the run has read, as it was then. */
export const SeenDocument = z.object({
  /** `p1`. */
  id: z.string(),
  title: z.string(),
  url: z.string(),
  published_on: z.string().optional(),
  passage_count: z.number(),
  passages: z.array(SeenPassage),
});
export type SeenDocument = z.infer<typeof SeenDocument>;

/** One run among several. */
export const RunRow = z.object({
  run_id: z.string().optional(),
  /** For a failed run: its latest retry. */
  retried_as: z.string().optional(),
  /** Left out when it is the same for all rows. */
  status: z.string().optional(),
  question: z.string().optional(),
  question_asked: z.string().optional(),
  processor: z.string().optional(),
  price_usd: z.number().optional(),
  created_at: z.string().optional(),
  taskgroup_id: z.string().optional(),
  /** For a row of a group: its runs by status. */
  counts: z.record(z.string(), z.number()).optional(),
  percent: z.number().optional(),
  output: z.unknown().optional(),
  /** Sources of an output that is cut. */
  sources: z.array(z.string()).optional(),
  basis: z.array(z.record(z.string(), z.unknown())).optional(),
  error: z.string().optional(),
});
export type RunRow = z.infer<typeof RunRow>;

/** The outcome of one batch of a group's inputs. `from` and `to` count inputs from 1. */
export const Batch = z.object({
  from: z.number(),
  to: z.number(),
  outcome: z.enum(["added", "added_before", "refused", "unknown", "not_sent"]),
  reason: z.string().optional(),
});
export type Batch = z.infer<typeof Batch>;

/**
 * The answer of every tool. `summary`, `next_step`, `notes` and `answer_form` are our words and the caller's.
 * `question_asked`, `latest_step`, `evidence`, `warnings`, `error`, `output`, `outline`, `citations`, `basis`, `documents`,
 * `events` and the rows are untrusted text, some of it from the web.
 * Fields that say nothing are left out: a price of 0, and progress and usual time of a run that is not active.
 */
export const RunReport = z.object({
  summary: z.string(),
  next_step: z.string(),
  outcome: CancelOutcome.optional(),
  notes: z.array(z.string()).optional(),
  run_id: z.string().optional(),
  taskgroup_id: z.string().optional(),
  status: z.string().optional(),
  is_active: z.boolean().optional(),
  processor: z.string().optional(),
  price_usd: z.number().optional(),
  usual_seconds: SecondsRange.optional(),
  created_at: z.string().optional(),
  interaction_id: z.string().optional(),
  percent: z.number().optional(),
  counts: z.record(z.string(), z.number()).optional(),
  sources_read: z.number().optional(),
  sources_considered: z.number().optional(),
  latest_step: z.string().optional(),
  /** The question of a run in `action_required`. */
  question_asked: z.string().optional(),
  /** What such a run needs to be answered with submit_task_answer, and its evidence. */
  answer_form: z.record(z.string(), z.unknown()).optional(),
  evidence: z.array(z.record(z.string(), z.unknown())).optional(),
  warnings: z.array(z.string()).optional(),
  error: z.string().optional(),
  output_type: z.string().optional(),
  outline: z.array(SectionEntry).optional(),
  output: z.unknown().optional(),
  citations: z.array(KeyCitation).optional(),
  citations_total: z.number().optional(),
  basis: z.array(z.record(z.string(), z.unknown())).optional(),
  events: z
    .array(z.object({ kind: z.string(), message: z.string(), timestamp: z.string().nullable() }))
    .optional(),
  documents: z.array(SeenDocument).optional(),
  cut: Cut.optional(),
  /** For an output that is cut: the MCP resource of the whole output. */
  resource: z.string().optional(),
  batches: z.array(Batch).optional(),
  runs: z.array(RunRow).optional(),
  run_ids: z.array(z.string()).optional(),
  /** A page of results as CSV or JSON lines. */
  export: z.string().optional(),
  next_cursor: z.string().optional(),
  spending: z
    .object({
      today_usd: z.number(),
      total_usd: z.number(),
      active_usd: z.number(),
      budget_usd_per_day: z.number().optional(),
    })
    .optional(),
  request: z.unknown().optional(),
});
export type RunReport = z.infer<typeof RunReport>;

/** The fields of every answer. An output schema must name every field, because some clients reject unknown ones. */
export const AnyReport = RunReport.pick({
  summary: true,
  next_step: true,
  notes: true,
});

/** The fields of a run and its result. */
export const AnsweredRunReport = AnyReport.extend(
  RunReport.pick({
    run_id: true,
    taskgroup_id: true,
    status: true,
    is_active: true,
    processor: true,
    price_usd: true,
    usual_seconds: true,
    created_at: true,
    interaction_id: true,
    percent: true,
    sources_read: true,
    sources_considered: true,
    latest_step: true,
    question_asked: true,
    answer_form: true,
    evidence: true,
    warnings: true,
    error: true,
    output_type: true,
    outline: true,
    output: true,
    citations: true,
    citations_total: true,
    cut: true,
    resource: true,
  }).shape,
);

/** The fields of a group. */
export const GroupReport = AnyReport.extend(
  RunReport.pick({
    taskgroup_id: true,
    is_active: true,
    percent: true,
    counts: true,
    created_at: true,
  }).shape,
);
