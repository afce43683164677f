import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Transaction } from "kysely";
import { z } from "zod";
import type { Database } from "../../database/open-database.ts";
import type { DatabaseSchema } from "../../database/schema.ts";
import type { JsonObject } from "../../task-api/task-spec.ts";
import type { Clock } from "../../runtime/clock.ts";
import { ApiError, unprocessable } from "./api-error.ts";
import type { RequestEnv } from "./request-context.ts";

export interface Answer {
  status: 200 | 202;
  body: JsonObject;
}

/** Keeps an answer for the next request with the same key; called in the transaction of what the answer tells. */
export type RecordAnswer = (trx: Transaction<DatabaseSchema>, answer: Answer) => Promise<void>;

/** How long a key is remembered. */
export const IDEMPOTENCY_TTL_MS = 24 * 60 * 60 * 1_000;
const MAX_KEY_CHARS = 255;

/**
 * Answers a POST so that repeating it with the same `Idempotency-Key` repeats nothing but the answer. The same key
 * with another request is a 409. Requests that failed are not remembered: they changed nothing. An extension of ours:
 * in the hosted profile the header means nothing.
 */
export async function answerOnce(
  c: Context<RequestEnv>,
  { db, clock }: { db: Database; clock: Clock },
  perform: (record: RecordAnswer) => Promise<Answer>,
): Promise<Response> {
  const key = c.get("profile") === "hosted" ? undefined : readKey(c);
  if (key === undefined) {
    const { status, body } = await perform(async () => {});
    return c.json(body, status);
  }
  const tenantId = c.get("tenant").id;
  const requestHash = hashRequest(c.req.method, c.req.path, await c.req.text());

  async function replay(): Promise<Response | undefined> {
    const kept = await findAnswer(db, tenantId, key ?? "", clock.now() - IDEMPOTENCY_TTL_MS);
    if (kept === undefined) return undefined;
    if (kept.requestHash !== requestHash) {
      throw new ApiError(409, "This Idempotency-Key was used with another request; use a new one");
    }
    c.header("idempotent-replayed", "true");
    return c.json(kept.body, kept.status);
  }

  const replayed = await replay();
  if (replayed !== undefined) return replayed;
  try {
    const { status, body } = await perform((trx, answer) =>
      keepAnswer(trx, { tenantId, key, requestHash, answer, nowMs: clock.now() }),
    );
    return c.json(body, status);
  } catch (error) {
    // The same request at the same moment may have been the faster one; then ours changed nothing.
    const answered = await replay();
    if (answered !== undefined) return answered;
    throw error;
  }
}

function readKey(c: Context<RequestEnv>): string | undefined {
  const key = c.req.header("idempotency-key");
  if (key === undefined || (key !== "" && key.length <= MAX_KEY_CHARS)) return key;
  throw unprocessable([
    {
      type: "header_invalid",
      loc: ["header", "idempotency-key"],
      msg: `use 1 to ${MAX_KEY_CHARS} characters`,
    },
  ]);
}

function hashRequest(method: string, path: string, body: string): string {
  return createHash("sha256")
    .update(JSON.stringify([method, path, body]))
    .digest("hex");
}

const AnswerBody = z.record(z.string(), z.unknown());

async function findAnswer(
  db: Database,
  tenantId: string,
  key: string,
  oldestMs: number,
): Promise<{ requestHash: string; status: ContentfulStatusCode; body: JsonObject } | undefined> {
  const row = await db
    .selectFrom("idempotency_keys")
    .selectAll()
    .where("tenant_id", "=", tenantId)
    .where("key", "=", key)
    .where("created_ms", ">", oldestMs)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const status = row.answer_status === 202 ? 202 : 200;
  return {
    requestHash: row.request_hash,
    status,
    body: AnswerBody.parse(JSON.parse(row.answer_body)),
  };
}

async function keepAnswer(
  trx: Transaction<DatabaseSchema>,
  {
    tenantId,
    key,
    requestHash,
    answer,
    nowMs,
  }: { tenantId: string; key: string; requestHash: string; answer: Answer; nowMs: number },
): Promise<void> {
  // One that is too old to be replayed only waits for its removal.
  await trx
    .deleteFrom("idempotency_keys")
    .where("tenant_id", "=", tenantId)
    .where("key", "=", key)
    .where("created_ms", "<=", nowMs - IDEMPOTENCY_TTL_MS)
    .execute();
  await trx
    .insertInto("idempotency_keys")
    .values({
      tenant_id: tenantId,
      key,
      request_hash: requestHash,
      answer_status: answer.status,
      answer_body: JSON.stringify(answer.body),
      created_ms: Math.floor(nowMs),
    })
    .execute();
}
