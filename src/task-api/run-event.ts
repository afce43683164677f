import { z } from "zod";
import { asText, orElse, textOf } from "./lenient.ts";
import { RunOutput } from "./output.ts";
import { RunError, TaskRun } from "./run.ts";
import { JsonObject } from "./task-spec.ts";

/** A position in a stream of a group; null in the stream of a run. */
export const EventId = orElse(z.string(), asText).nullish();

/** The run as it is now; the last one of a completed run carries the output. */
export const StateEvent = z.looseObject({
  type: z.literal("task_run.state"),
  event_id: EventId,
  run: TaskRun,
  input: JsonObject.nullish(),
  output: RunOutput.nullish(),
});
export type StateEvent = z.infer<typeof StateEvent>;

/** How far the run is: `progress_meter` goes from 0 to 100 and may be missing in older traffic. */
export const ProgressStatsEvent = z.looseObject({
  type: z.literal("task_run.progress_stats"),
  progress_meter: z.number().nullish(),
  source_stats: z
    .looseObject({
      num_sources_considered: z.number().nullish(),
      num_sources_read: z.number().nullish(),
      sources_read_sample: z.array(z.string()).nullish(),
    })
    .nullish(),
});
export type ProgressStatsEvent = z.infer<typeof ProgressStatsEvent>;

/** A step in words. The part after `progress_msg.` is open: kinds outside the documentation have been observed. */
export const ProgressMessageEvent = z.looseObject({
  type: z.templateLiteral(["task_run.progress_msg.", z.string()]),
  message: orElse(z.string(), (message, event) => textOf(message ?? event)),
  timestamp: z.string().nullish(),
});
export type ProgressMessageEvent = z.infer<typeof ProgressMessageEvent>;

/** A failure reported inside the stream. It does not say that the run failed: ask for the run. */
export const ErrorEvent = z.looseObject({ type: z.literal("error"), error: RunError });
export type ErrorEvent = z.infer<typeof ErrorEvent>;

/** An ordered fact about a run, as `GET /v1/tasks/runs/{run_id}/events` sends it. */
export const RunEvent = z.union([StateEvent, ProgressStatsEvent, ProgressMessageEvent, ErrorEvent]);
export type RunEvent = z.infer<typeof RunEvent>;

/** The events an executor may report; states belong to the engine's state machine. */
export type ProgressEvent = ProgressStatsEvent | ProgressMessageEvent;
