import { z } from "zod";
import type { RunCursor } from "../runs/run-store.ts";

const CursorFields = z.tuple([z.string(), z.string()]);

/** A cursor as callers see it: they pass it on, and need not know what is in it. */
export function encodeCursor({ createdAt, runId }: RunCursor): string {
  return Buffer.from(JSON.stringify([createdAt, runId])).toString("base64url");
}

/** Reads a cursor of a query. */
export function decodeCursor(cursor: string, context: z.RefinementCtx): RunCursor {
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
