import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Database, openDatabase } from "../../src/database/open-database.ts";
import { deferred, temporaryFolder } from "../engine/start-test-engine.ts";

async function openTwice(): Promise<[Database, Database]> {
  const path = join(await temporaryFolder(), "state.sqlite");
  const first = await openDatabase(path);
  const second = await openDatabase(path);
  onTestFinished(async () => {
    await first.destroy();
    await second.destroy();
  });
  return [first, second];
}

const insert = (db: Database, id: string) =>
  db.insertInto("runs").values({
    run_id: id,
    interaction_id: id,
    tenant_id: "default",
    price_usd: 0,
    status: "queued",
    processor: "base",
    executor_key: "test",
    input: "{}",
    created_at: "",
    modified_at: "",
  });

test("a write that finds the file locked waits for the lock, and later writes go on as if nothing was", async () => {
  const [first, second] = await openTwice();
  const holding = deferred();
  const release = deferred();
  const transaction = first.transaction().execute(async (trx) => {
    await insert(trx, "first").execute();
    holding.resolve();
    await release.promise;
  });
  await holding.promise;
  const single = insert(second, "alone").execute();
  const grouped = second.transaction().execute((trx) => insert(trx, "grouped").execute());
  release.resolve();
  await Promise.all([transaction, single, grouped]);
  await second.transaction().execute((trx) => insert(trx, "later").execute());
  const rows = await first.selectFrom("runs").select("run_id").execute();
  expect(rows.map((row) => row.run_id).toSorted()).toEqual(["alone", "first", "grouped", "later"]);
});

test("a write that fails leaves no transaction open", async () => {
  const [first, second] = await openTwice();
  await insert(first, "same").execute();
  await expect(insert(first, "same").execute()).rejects.toThrow(/UNIQUE/);
  await insert(second, "other").execute();
  expect(await first.selectFrom("runs").selectAll().execute()).toHaveLength(2);
});

test("two connections that read and then write in transactions lose no update", async () => {
  const [first, second] = await openTwice();
  await insert(first, "counter").execute();
  const increment = (db: Database) =>
    db.transaction().execute(async (trx) => {
      const row = await trx
        .selectFrom("runs")
        .select("attempt")
        .where("run_id", "=", "counter")
        .executeTakeFirstOrThrow();
      await trx
        .updateTable("runs")
        .set({ attempt: row.attempt + 1 })
        .where("run_id", "=", "counter")
        .execute();
    });
  await Promise.all(Array.from({ length: 20 }, () => [increment(first), increment(second)]).flat());
  const row = await first.selectFrom("runs").select("attempt").executeTakeFirst();
  expect(row?.attempt).toBe(40);
});
