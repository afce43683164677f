import type { Database } from "../../../database/open-database.ts";
import { type Delivery, type DeliveryQueue, receiverOf } from "../delivery-queue.ts";

/**
 * `next_attempt_ms` is the order of the queue and the lease of its entries: a claim is one UPDATE that moves it on, so
 * other processes find the webhook in the future until the lease is over.
 */
export function createDeliveryQueue(db: Database): DeliveryQueue {
  /** Failed attempts change only what they still hold; what was delivered or given up stays so. */
  const held = ({ webhookId, attempts }: Delivery) =>
    db
      .updateTable("webhook_deliveries")
      .where("webhook_id", "=", webhookId)
      .where("attempts", "=", attempts)
      .where("next_attempt_ms", "is not", null);

  return {
    async findDue({ nowMs, except, limit }) {
      const rows = await db
        .selectFrom("webhook_deliveries")
        .select(["webhook_id", "url"])
        .where("next_attempt_ms", "<=", nowMs)
        // The URLs of a receiver lie between its own and the next text after all of them: `0` follows `/`.
        .where(({ and, eb, or }) =>
          and(
            except.map((receiver) =>
              or([eb("url", "<", receiver), eb("url", ">=", receiver.replace(/\/$/, "0"))]),
            ),
          ),
        )
        .orderBy("next_attempt_ms")
        .limit(limit)
        .execute();
      return rows.map((row) => ({ webhookId: row.webhook_id, receiver: receiverOf(row.url) }));
    },

    async claim(webhookIds, { nowMs, untilMs }) {
      const rows = await db
        .updateTable("webhook_deliveries")
        .set(({ eb }) => ({
          next_attempt_ms: Math.floor(untilMs),
          attempts: eb("attempts", "+", 1),
        }))
        .where("webhook_id", "in", webhookIds)
        .where("next_attempt_ms", "<=", nowMs)
        .returningAll()
        .execute();
      return rows.map((row) => ({
        webhookId: row.webhook_id,
        runId: row.run_id,
        url: row.url,
        body: row.body,
        attempts: row.attempts,
        createdMs: row.created_ms,
      }));
    },

    async nextDueMs(nowMs) {
      const row = await db
        .selectFrom("webhook_deliveries")
        .select(({ fn }) => fn.min("next_attempt_ms").as("at"))
        .where("next_attempt_ms", ">", nowMs)
        .executeTakeFirst();
      return row?.at ?? undefined;
    },

    async markDelivered({ webhookId }) {
      await db
        .updateTable("webhook_deliveries")
        .set({ next_attempt_ms: null, last_problem: null })
        .where("webhook_id", "=", webhookId)
        .execute();
    },

    async retryAt(delivery, atMs, problem) {
      await held(delivery).set({ next_attempt_ms: atMs, last_problem: problem }).execute();
    },

    async giveUp(delivery, problem) {
      await held(delivery).set({ next_attempt_ms: null, last_problem: problem }).execute();
    },

    async release(delivery, nowMs) {
      await held(delivery)
        .set({ next_attempt_ms: Math.floor(nowMs), attempts: delivery.attempts - 1 })
        .execute();
    },
  };
}
