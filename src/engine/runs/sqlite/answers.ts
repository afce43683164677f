import { z } from "zod";
import type { Database } from "../../../database/open-database.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { ANSWER_TTL_MS, type AnswerStore, type KeptAnswer } from "../kept-answers.ts";
import type { Commit, Write } from "./commit.ts";

const AnswerBody = z.record(z.string(), z.unknown());

export function createAnswerStore(db: Database, clock: Clock, commit: Commit): AnswerStore {
  return {
    async find(tenantId, key) {
      const row = await db
        .selectFrom("idempotency_keys")
        .selectAll()
        .where("tenant_id", "=", tenantId)
        .where("key", "=", key)
        .where("created_ms", ">", clock.now() - ANSWER_TTL_MS)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      return {
        tenantId,
        key,
        requestHash: row.request_hash,
        status: row.answer_status === 202 ? 202 : 200,
        body: AnswerBody.parse(JSON.parse(row.answer_body)),
      };
    },
    keep: (answer) => commit((write) => keepAnswer(write, answer)),
  };
}

/**
 * Stores the answer in the same transaction as the change it describes, if the request has a key. Rejects when the key
 * is already used.
 */
export async function keepAnswer(
  { trx, nowMs }: Write,
  answer: KeptAnswer | null | undefined,
): Promise<void> {
  if (!answer) return;
  // An expired answer may still be there until retention removes it.
  await trx
    .deleteFrom("idempotency_keys")
    .where("tenant_id", "=", answer.tenantId)
    .where("key", "=", answer.key)
    .where("created_ms", "<=", nowMs - ANSWER_TTL_MS)
    .execute();
  await trx
    .insertInto("idempotency_keys")
    .values({
      tenant_id: answer.tenantId,
      key: answer.key,
      request_hash: answer.requestHash,
      answer_status: answer.status,
      answer_body: JSON.stringify(answer.body),
      created_ms: Math.floor(nowMs),
    })
    .execute();
}
