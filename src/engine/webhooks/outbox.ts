import { randomBytes } from "node:crypto";
import type { Transaction } from "kysely";
import type { DatabaseSchema } from "../../database/schema.ts";
import { type RunRecord, toTaskRun } from "../runs/run-record.ts";

/**
 * Puts the webhook of a run that has just ended into the outbox, in the transaction of its ending: either both are
 * durable or neither. The payload carries the run without its output. Source: Task API, "Payload", which leaves open
 * what happens when a run is cancelled: here every ending is told, so that a receiver never waits for one in vain.
 */
export async function enqueueWebhook(
  trx: Transaction<DatabaseSchema>,
  run: RunRecord,
  { at, nowMs }: { at: string; nowMs: number },
): Promise<void> {
  const { webhook } = run.input;
  if (!webhook?.event_types.includes("task_run.status")) return;
  await trx
    .insertInto("webhook_deliveries")
    .values({
      webhook_id: `whevent_${randomBytes(16).toString("hex")}`,
      run_id: run.runId,
      // As it will be requested, so that the URLs of one receiver begin alike.
      url: new URL(webhook.url).href,
      body: JSON.stringify({ timestamp: at, type: "task_run.status", data: toTaskRun(run) }),
      next_attempt_ms: Math.floor(nowMs),
      created_ms: Math.floor(nowMs),
    })
    .execute();
}
