import { webhookOf } from "../ending-webhook.ts";
import type { Write } from "./commit.ts";
import { findRun } from "./read-runs.ts";

/** Puts the webhook of a run that has just ended into the outbox, in the transaction of its ending. */
export async function enqueueWebhook({ trx, nowMs, at }: Write, runId: string): Promise<void> {
  const run = await findRun(trx, runId);
  const webhook = run && webhookOf(run, at);
  if (webhook === undefined) return;
  await trx
    .insertInto("webhook_deliveries")
    .values({
      webhook_id: webhook.webhookId,
      run_id: runId,
      url: webhook.url,
      body: webhook.body,
      next_attempt_ms: Math.floor(nowMs),
      created_ms: Math.floor(nowMs),
    })
    .execute();
}
