import type { Database } from "../../database/open-database.ts";

/** A webhook that this process is to send now, and nobody else. */
export interface Delivery {
  webhookId: string;
  runId: string;
  url: string;
  body: string;
  /** How often it was claimed, this time included. With the id it fences every write about a failed attempt. */
  attempts: number;
  createdMs: number;
}

export interface DueWebhook {
  webhookId: string;
  receiver: string;
}

/** Whom a URL belongs to: scheme, host and port, with a slash at the end, so that it is a prefix of the URL. */
export function receiverOf(url: string): string {
  return new URL("/", url).href;
}

/**
 * The outbox as a queue that several processes share. `next_attempt_ms` is its order and its lease: a claim is one
 * UPDATE that moves it on, and whoever claims it next finds it in the future until the lease is over.
 */
export function createDeliveryQueue(db: Database) {
  /** Failed attempts change only what they still hold; what was delivered or given up stays so. */
  const held = ({ webhookId, attempts }: Delivery) =>
    db
      .updateTable("webhook_deliveries")
      .where("webhook_id", "=", webhookId)
      .where("attempts", "=", attempts)
      .where("next_attempt_ms", "is not", null);

  return {
    /** The webhooks due at `nowMs`, the longest waiting first, without those for `except`. Takes no lock. */
    async findDue({
      nowMs,
      except,
      limit,
    }: {
      nowMs: number;
      except: readonly string[];
      limit: number;
    }): Promise<DueWebhook[]> {
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

    /** Takes those of the webhooks, due at `nowMs`, that no other process took in the meantime. */
    async claim(
      webhookIds: readonly string[],
      { nowMs, untilMs }: { nowMs: number; untilMs: number },
    ): Promise<Delivery[]> {
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

    /** When the first webhook after `nowMs` is due; undefined when none waits. */
    async nextDueMs(nowMs: number): Promise<number | undefined> {
      const row = await db
        .selectFrom("webhook_deliveries")
        .select(({ fn }) => fn.min("next_attempt_ms").as("at"))
        .where("next_attempt_ms", ">", nowMs)
        .executeTakeFirst();
      return row?.at ?? undefined;
    },

    /** The receiver has it, whoever holds it by now. */
    async markDelivered({ webhookId }: Delivery): Promise<void> {
      await db
        .updateTable("webhook_deliveries")
        .set({ next_attempt_ms: null, last_problem: null })
        .where("webhook_id", "=", webhookId)
        .execute();
    },

    async retryAt(delivery: Delivery, atMs: number, problem: string): Promise<void> {
      await held(delivery).set({ next_attempt_ms: atMs, last_problem: problem }).execute();
    },

    async giveUp(delivery: Delivery, problem: string): Promise<void> {
      await held(delivery).set({ next_attempt_ms: null, last_problem: problem }).execute();
    },

    /** Gives an unfinished attempt back, because the process ends: it does not count, and is due at once. */
    async release(delivery: Delivery, nowMs: number): Promise<void> {
      await held(delivery)
        .set({ next_attempt_ms: Math.floor(nowMs), attempts: delivery.attempts - 1 })
        .execute();
    },
  };
}
