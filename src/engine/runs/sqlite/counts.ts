import type { Database } from "../../../database/open-database.ts";
import type { StoreCounts } from "../run-store.ts";

/** See `RunStore.countAll`. */
export async function countAll(db: Database): Promise<StoreCounts> {
  const [runs, oldestQueuedAt, deliveries] = await Promise.all([
    countRuns(db),
    findOldestQueued(db),
    countDeliveries(db),
  ]);
  return { runs, oldestQueuedAt, deliveries };
}

async function countRuns(db: Database): Promise<StoreCounts["runs"]> {
  const rows = await db
    .selectFrom("runs")
    .select(({ fn }) => ["status", fn.countAll<number>().as("count")])
    .groupBy("status")
    .execute();
  return new Map(rows.map(({ status, count }) => [status, count]));
}

async function findOldestQueued(db: Database): Promise<string | undefined> {
  const row = await db
    .selectFrom("runs")
    .select(({ fn }) => fn.min("created_at").as("created_at"))
    .where("status", "=", "queued")
    .executeTakeFirst();
  // The minimum of nothing is null, which the types do not tell.
  return row?.created_at ?? undefined;
}

async function countDeliveries(db: Database): Promise<StoreCounts["deliveries"]> {
  const row = await db
    .selectFrom("webhook_deliveries")
    .select(({ fn, eb }) => [
      fn.countAll<number>().as("all"),
      fn.count<number>("next_attempt_ms").as("pending"),
      fn
        .countAll<number>()
        .filterWhere(
          eb.and([eb("next_attempt_ms", "is", null), eb("last_problem", "is not", null)]),
        )
        .as("given_up"),
    ])
    .executeTakeFirstOrThrow();
  const { all, pending, given_up } = row;
  return { pending, delivered: all - pending - given_up, given_up };
}
