import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/database/open-database.ts";
import { ChangeListeners } from "../../src/engine/runs/change-feed.ts";
import { batchCommits } from "../../src/engine/runs/sqlite/sqlite-run-store.ts";
import { type Commit, createCommit } from "../../src/engine/runs/sqlite/commit.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { temporaryFolder } from "./start-test-engine.ts";

/** Batched commits on a database, and how many transactions they take. */
async function openBatchedCommits() {
  const db = await openDatabase(join(await temporaryFolder(), "engine.sqlite"));
  const feed = new ChangeListeners(() => {});
  onTestFinished(() => db.destroy());
  const commit = createCommit(db, systemClock, feed);
  let transactions = 0;
  const counted: Commit = (work) => {
    transactions += 1;
    return commit(work);
  };
  const commitTogether = batchCommits(counted);
  /** Adds a group; a second one of the same name fails. */
  const add = (name: string) =>
    commitTogether(async ({ trx, announce }) => {
      const group = { taskgroup_id: name, tenant_id: "default", created_at: "" };
      await trx.insertInto("task_groups").values(group).execute();
      announce([name], null);
      return `added ${name}`;
    });
  const names = async () => {
    const rows = await db.selectFrom("task_groups").select("taskgroup_id").execute();
    return rows.map((row) => row.taskgroup_id).toSorted();
  };
  return { add, names, feed, countTransactions: () => transactions };
}

test("changes of one moment are one transaction, and each has its own result", async () => {
  const { add, names, feed, countTransactions } = await openBatchedCommits();
  const announced: string[] = [];
  for (const name of ["a", "b", "c"]) feed.subscribe(name, () => announced.push(name));
  const results = await Promise.all(["a", "b", "c"].map(add));
  expect(results).toEqual(["added a", "added b", "added c"]);
  expect(announced).toEqual(["a", "b", "c"]);
  expect(await names()).toEqual(["a", "b", "c"]);
  expect(countTransactions()).toBe(1);
  await add("d");
  expect(countTransactions()).toBe(2);
});

test("a change that fails takes none of the others with it", async () => {
  const { add, names } = await openBatchedCommits();
  const outcomes = await Promise.allSettled(["a", "b", "a", "c"].map(add));
  expect(outcomes.map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  expect(await names()).toEqual(["a", "b", "c"]);
});
