import { z } from "zod";

/** What became of a request to cancel. Only what a later look at the run or group confirmed. */
export const CancelOutcome = z.enum([
  "cancelled",
  "cancelling",
  "already_finished",
  "not_supported",
  "not_found",
]);
export type CancelOutcome = z.infer<typeof CancelOutcome>;

/** The seconds a run usually takes, without its time in the queue. */
const SecondsRange = z.object({ from: z.number(), to: z.number() });

/** One citation of a completed run, short enough to stand next to the answer. */
export const KeyCitation = z.object({
  field: z.string().optional(),
  url: z.string(),
  title: z.string().optional(),
  excerpt: z.string().optional(),
});
export type KeyCitation = z.infer<typeof KeyCitation>;

/** That only a part is shown, and where to read on. */
export const Cut = z.object({
  offset: z.number(),
  next_offset: z.number().optional(),
  total: z.number(),
  unit: z.enum(["characters", "citations", "steps"]),
});
export type Cut = z.infer<typeof Cut>;

/** A line of an outline: a section of a text that can be asked for by its name. */
export const OutlineEntry = z.object({
  section: z.string(),
  level: z.number(),
  chars: z.number(),
});
export type OutlineEntry = z.infer<typeof OutlineEntry>;

/** One run among several. */
export const RunRow = z.object({
  run_id: z.string().optional(),
  /** Of a failed run: the newest run that runs it again. */
  retried_as: z.string().optional(),
  /** Left out where the summary says it of all rows, or all have the one that was asked for. */
  status: z.string().optional(),
  question: z.string().optional(),
  question_asked: z.string().optional(),
  processor: z.string().optional(),
  price_usd: z.number().optional(),
  created_at: z.string().optional(),
  taskgroup_id: z.string().optional(),
  /** Of a row that stands for a group: its runs by status. */
  counts: z.record(z.string(), z.number()).optional(),
  percent: z.number().optional(),
  output: z.unknown().optional(),
  /** Where an output comes from of which only the beginning is shown. */
  sources: z.array(z.string()).optional(),
  basis: z.array(z.record(z.string(), z.unknown())).optional(),
  error: z.string().optional(),
});
export type RunRow = z.infer<typeof RunRow>;

/** How a part of a group's inputs fared. `from` and `to` count inputs from 1. */
export const Batch = z.object({
  from: z.number(),
  to: z.number(),
  outcome: z.enum(["added", "added_before", "refused", "unknown", "not_sent"]),
  reason: z.string().optional(),
});
export type Batch = z.infer<typeof Batch>;

/**
 * What every tool answers with. `summary`, `next_step` and `notes` are our words; `question_asked`, `latest_step`, `warnings` (what the
 * backend warned of), `error`, `output`, `outline`, `citations`, `basis`, `events` and the rows are others', and may hold
 * text from the web. What it need not say, it does not carry: times are to the second, prices are not 0, and how far a run
 * is and how long it usually takes is told of active ones.
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
  warnings: z.array(z.string()).optional(),
  error: z.string().optional(),
  output_type: z.string().optional(),
  outline: z.array(OutlineEntry).optional(),
  output: z.unknown().optional(),
  citations: z.array(KeyCitation).optional(),
  citations_total: z.number().optional(),
  basis: z.array(z.record(z.string(), z.unknown())).optional(),
  events: z
    .array(z.object({ kind: z.string(), message: z.string(), timestamp: z.string().nullable() }))
    .optional(),
  cut: Cut.optional(),
  /** Of an output that was cut: the MCP resource that has the whole. */
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

/** The fields of every answer. A tool's output schema names all fields that its answers carry: some clients refuse others. */
export const AnyReport = RunReport.pick({
  summary: true,
  next_step: true,
  notes: true,
});

/** The facts of a run and its result. */
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

/** What is told of a group. */
export const GroupReport = AnyReport.extend(
  RunReport.pick({
    taskgroup_id: true,
    is_active: true,
    percent: true,
    counts: true,
    created_at: true,
  }).shape,
);

/** What a report says about the run itself. */
export type RunFacts = Omit<RunReport, "summary" | "next_step">;
