import { randomBytes } from "node:crypto";
import type { Transaction } from "kysely";
import type { DatabaseSchema } from "../../database/schema.ts";
import { type RunRecord, toTaskRun } from "../runs/run-record.ts";

/**
 * Puts the webhook of a run that has just ended into the outbox, in the transaction of its ending: either both are
 * durable or neither. The payload carries the run without its output. Source: Task API, "Payload".
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
      url: webhook.url,
      body: JSON.stringify({ timestamp: at, type: "task_run.status", data: toTaskRun(run) }),
      next_attempt_ms: nowMs,
      created_ms: nowMs,
    })
    .execute();
}
