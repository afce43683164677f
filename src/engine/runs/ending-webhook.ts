import { randomBytes } from "node:crypto";
import { type RunRecord, toTaskRun } from "./run-record.ts";

/**
 * The webhook that tells of a run's end, or undefined when the run asked for none. The payload carries the run without
 * its output. Source: Task API, "Payload", which leaves open what happens when a run is cancelled: here every ending is
 * told, so that a receiver never waits for one in vain.
 */
export function webhookOf(
  run: RunRecord,
  at: string,
): { webhookId: string; url: string; body: string } | undefined {
  const { webhook } = run.input;
  if (!webhook?.event_types.includes("task_run.status")) return undefined;
  return {
    webhookId: `whevent_${randomBytes(16).toString("hex")}`,
    // As it will be requested, so that the URLs of one receiver begin alike.
    url: new URL(webhook.url).href,
    body: JSON.stringify({ timestamp: at, type: "task_run.status", data: toTaskRun(run) }),
  };
}
