import { type RawBuilder, sql } from "kysely";
import { z } from "zod";
import type { Database } from "../../../database/open-database.ts";

/** Moves and cuts off a megabyte in a few milliseconds, during which no other process writes. */
const PAGES_PER_STEP = 256;

const FreePages = z.object({ freelist_count: z.number() });

/**
 * Gives the free pages of the file back to the system, step by step, with `pause` in between. A database from before
 * incremental vacuum keeps them for later rows instead. Source: SQLite, `PRAGMA incremental_vacuum`.
 */
export async function compactDatabase(db: Database, pause: () => Promise<void>): Promise<void> {
  let free = await countFreePages(db);
  while (free > 0) {
    // In a transaction, which waits for the lock; the statement itself must not find it taken.
    await db
      .transaction()
      .execute((trx) => sql`PRAGMA incremental_vacuum(${sql.lit(PAGES_PER_STEP)})`.execute(trx));
    const left = await countFreePages(db);
    if (left >= free) break;
    free = left;
    await pause();
  }
  // The file itself is cut off when the log is written back to it. Passive: it waits for no reader.
  await sql`PRAGMA wal_checkpoint(PASSIVE)`.execute(db);
}

async function countFreePages(db: Database): Promise<number> {
  const query: RawBuilder<unknown> = sql`PRAGMA freelist_count`;
  const { rows } = await query.execute(db);
  return FreePages.parse(rows[0]).freelist_count;
}
