import type { JsonObject } from "../../task-api/task-spec.ts";

/** The answer that must become durable together with a change; null when the request has no `Idempotency-Key`. */
export type KeepAnswer<Result> = (result: Result) => KeptAnswer | null;

/** The answer to a request with an `Idempotency-Key`, repeated when the request is repeated. */
export interface KeptAnswer {
  tenantId: string;
  key: string;
  /** A hash of the request: another request must not use the key. */
  requestHash: string;
  status: 200 | 202;
  body: JsonObject;
}

/** How long an answer is repeated. */
export const ANSWER_TTL_MS = 24 * 60 * 60 * 1_000;

export interface AnswerStore {
  /** The answer stored under this key, unless it has expired. */
  find(tenantId: string, key: string): Promise<KeptAnswer | undefined>;
  /** Rejects when the key was used in the meantime. */
  keep(answer: KeptAnswer): Promise<void>;
}
