import { RunOutput } from "../task-api/output.ts";
import { jsonText } from "../text/json.ts";
import type { LedgerDatabase } from "./schema.ts";

/** The largest known reports have around 2 MB; writing much more would block this process, and others at the lock. */
const OUTPUT_MAX_BYTES = 8 * 1024 * 1024;
/** Dropping is quick, but a hundred of the largest would still be felt. */
const DROPS_PER_STEP = 20;

/**
 * Stores outputs of completed runs, each once; older outputs are deleted to make room. An output that is too large is
 * not stored.
 */
export async function keepOutputs(
  db: LedgerDatabase,
  outputs: readonly { entryId: number; output: RunOutput }[],
  maxTotalBytes: number,
): Promise<void> {
  const rows = outputs.flatMap(({ entryId, output }) => {
    const json = jsonText(output);
    const bytes = Buffer.byteLength(json);
    const isTooLarge = bytes > Math.min(OUTPUT_MAX_BYTES, maxTotalBytes);
    return isTooLarge ? [] : [{ entry_id: entryId, bytes, json }];
  });
  if (rows.length === 0) return;
  await db.transaction().execute(async (trx) => {
    for (const row of rows) {
      await trx
        .insertInto("outputs")
        .values(row)
        .onConflict((conflict) => conflict.column("entry_id").doNothing())
        .execute();
    }
    await dropOutputs(trx, maxTotalBytes);
  });
}

/** Deletes a batch of the oldest outputs while all outputs together are too large; resolves to their number. */
export async function dropOutputs(db: LedgerDatabase, maxTotalBytes: number): Promise<number> {
  const sum = await db
    .selectFrom("outputs")
    .select(({ fn }) => fn.sum<number | null>("bytes").as("bytes"))
    .executeTakeFirst();
  let excess = (sum?.bytes ?? 0) - maxTotalBytes;
  if (excess <= 0) return 0;
  const oldest = await db
    .selectFrom("outputs")
    .select(["id", "bytes"])
    .orderBy("id")
    .limit(DROPS_PER_STEP)
    .execute();
  const dropped: number[] = [];
  for (const { id, bytes } of oldest) {
    if (excess <= 0) break;
    dropped.push(id);
    excess -= bytes;
  }
  await db.deleteFrom("outputs").where("id", "in", dropped).execute();
  return dropped.length;
}

export async function readOutput(
  db: LedgerDatabase,
  scope: string,
  runId: string,
): Promise<RunOutput | null> {
  const row = await db
    .selectFrom("outputs")
    .innerJoin("entries", "entries.id", "outputs.entry_id")
    .select("outputs.json")
    .where("entries.scope", "=", scope)
    .where("entries.run_id", "=", runId)
    .executeTakeFirst();
  return row === undefined ? null : RunOutput.parse(JSON.parse(row.json));
}
