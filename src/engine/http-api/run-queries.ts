import { z } from "zod";
import { RunStatus } from "../../task-api/run.ts";
import type { RunCursor } from "../runs/run-store.ts";

/** `GET …/result` without a `timeout` waits this long. Source: Task API, 8.1. */
const DEFAULT_RESULT_TIMEOUT_SECONDS = 600;
/** The longest wait that any documented client asks for. */
const MAX_RESULT_TIMEOUT_SECONDS = 3_600;

const TIMEOUT_RULE = `timeout is a whole number of seconds, 0 to ${MAX_RESULT_TIMEOUT_SECONDS}`;

/** The query of `GET …/result`. */
export const ResultQuery = z.object({
  timeout: z.coerce
    .number({ error: TIMEOUT_RULE })
    .int(TIMEOUT_RULE)
    .min(0, TIMEOUT_RULE)
    .max(MAX_RESULT_TIMEOUT_SECONDS, TIMEOUT_RULE)
    .default(DEFAULT_RESULT_TIMEOUT_SECONDS),
});

const MAX_PAGE_RUNS = 100;
const LIMIT_RULE = `limit is a whole number, 1 to ${MAX_PAGE_RUNS}`;

/** The query of the list of runs. */
export const ListQuery = z.object({
  status: RunStatus.optional(),
  taskgroup_id: z.string().optional(),
  limit: z.coerce
    .number({ error: LIMIT_RULE })
    .int(LIMIT_RULE)
    .min(1, LIMIT_RULE)
    .max(MAX_PAGE_RUNS, LIMIT_RULE)
    .default(20),
  cursor: z.string().transform(decodeCursor).optional(),
});

const CursorFields = z.tuple([z.string(), z.string()]);

/** A cursor as callers see it: they pass it on, and need not know what is in it. */
export function encodeCursor({ createdAt, runId }: RunCursor): string {
  return Buffer.from(JSON.stringify([createdAt, runId])).toString("base64url");
}

function decodeCursor(cursor: string, context: z.RefinementCtx): RunCursor {
  try {
    const text = Buffer.from(cursor, "base64url").toString();
    const [createdAt, runId] = CursorFields.parse(JSON.parse(text));
    return { createdAt, runId };
  } catch {
    context.addIssue({
      code: "custom",
      message: "use the next_cursor of an earlier page, unchanged",
    });
    return z.NEVER;
  }
}
