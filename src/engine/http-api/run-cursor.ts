import { z } from "zod";

/** A run of a list, as the place where the next page begins. */
interface Cursor {
  createdAt: string;
  runId: string;
}

const CursorFields = z.tuple([z.string(), z.string()]);

/** A cursor as callers see it: they pass it on, and need not know what is in it. */
export function encodeCursor({ createdAt, runId }: Cursor): string {
  return Buffer.from(JSON.stringify([createdAt, runId])).toString("base64url");
}

/** Reads a cursor of a query. */
export function decodeCursor(cursor: string, context: z.RefinementCtx): Cursor {
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
