import { z } from "zod";

/** What became of a request to cancel. Only what a later look at the run confirmed. */
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
  field: z.string(),
  url: z.string(),
  title: z.string().optional(),
  excerpt: z.string().optional(),
});
export type KeyCitation = z.infer<typeof KeyCitation>;

/**
 * What every run tool answers with. `summary` and `next_step` are our words; `latest_step`, `warnings`, `error`,
 * `output`, `citations`, `basis` and `events` are the run's, and may hold text from the web.
 */
export const RunReport = z.object({
  summary: z.string(),
  next_step: z.string(),
  outcome: CancelOutcome.optional(),
  run_id: z.string().optional(),
  status: z.string().optional(),
  is_active: z.boolean().optional(),
  processor: z.string().optional(),
  price_usd: z.number().optional(),
  usual_seconds: SecondsRange.optional(),
  created_at: z.string().optional(),
  modified_at: z.string().optional(),
  interaction_id: z.string().optional(),
  percent: z.number().optional(),
  sources_read: z.number().optional(),
  sources_considered: z.number().optional(),
  latest_step: z.string().optional(),
  warnings: z.array(z.string()).optional(),
  error: z.string().optional(),
  output_type: z.string().optional(),
  output: z.unknown().describe("the value, or a slice of its text if cut").optional(),
  citations: z.array(KeyCitation).optional(),
  citations_total: z.number().optional(),
  basis: z.unknown().optional(),
  events: z.unknown().optional(),
  cut: z
    .object({ offset: z.number(), next_offset: z.number().optional(), total_chars: z.number() })
    .optional(),
  ignored_arguments: z.array(z.string()).optional(),
});
export type RunReport = z.infer<typeof RunReport>;

/** What every tool shows of a report in its output schema, which is paid for in every session. */
export const ShownReport = RunReport.pick({
  summary: true,
  next_step: true,
  run_id: true,
  status: true,
  is_active: true,
  percent: true,
  error: true,
});

/** What a report says about the run itself. */
export type RunFacts = Omit<RunReport, "summary" | "next_step">;
