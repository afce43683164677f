import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { AnswerStore, KeptAnswer } from "../runs/kept-answers.ts";
import { ApiError, unprocessable } from "./api-error.ts";
import type { RequestEnv } from "./request-context.ts";

export type Answer = Pick<KeptAnswer, "status" | "body">;

const MAX_KEY_CHARS = 255;

/**
 * Answers a POST so that repeating it with the same `Idempotency-Key` repeats nothing but the answer. The same key
 * with another request is a 409. Requests that failed are not remembered: they changed nothing. An extension of ours:
 * in the hosted profile the header means nothing.
 */
export async function answerOnce(
  c: Context<RequestEnv>,
  answers: AnswerStore,
  perform: (keep: (answer: Answer) => KeptAnswer | null) => Promise<Answer>,
): Promise<Response> {
  const key = c.get("profile") === "hosted" ? undefined : readKey(c);
  if (key === undefined) {
    const { status, body } = await perform(() => null);
    return c.json(body, status);
  }
  const tenantId = c.get("tenant").id;
  const requestHash = hashRequest(c.req.method, c.req.path, await c.req.text());

  async function replay(): Promise<Response | undefined> {
    const kept = await answers.find(tenantId, key ?? "");
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
    const { status, body } = await perform((answer) => ({
      tenantId,
      key,
      requestHash,
      ...answer,
    }));
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
