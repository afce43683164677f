import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/database/open-database.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { createChangeFeed } from "../../src/engine/runs/change-feed.ts";
import { createGroupCommit } from "../../src/engine/runs/group-commit.ts";
import { type Commit, createStatusChanges } from "../../src/engine/runs/status-change.ts";
import { silentLog, temporaryFolder } from "./start-test-engine.ts";

/** A group commit on a database, which counts its transactions. */
async function openGroupCommit() {
  const db = await openDatabase(join(await temporaryFolder(), "engine.sqlite"));
  const feed = await createChangeFeed(db, silentLog);
  onTestFinished(async () => {
    feed.close();
    await db.destroy();
  });
  const { commit } = createStatusChanges({ db, feed, clock: systemClock });
  let transactions = 0;
  const counted: Commit = (change) => {
    transactions += 1;
    return commit(change);
  };
  const commitTogether = createGroupCommit(counted);
  /** Adds a group; a second one of the same name fails. */
  const add = (name: string) =>
    commitTogether(async (trx) => {
      const group = { taskgroup_id: name, tenant_id: "default", created_at: "" };
      await trx.insertInto("task_groups").values(group).execute();
      return { changed: [name], result: `added ${name}` };
    });
  const names = async () => {
    const rows = await db.selectFrom("task_groups").select("taskgroup_id").execute();
    return rows.map((row) => row.taskgroup_id).toSorted();
  };
  return { add, names, feed, countTransactions: () => transactions };
}

test("changes of one moment are one transaction, and each has its own result", async () => {
  const { add, names, feed, countTransactions } = await openGroupCommit();
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
  const { add, names } = await openGroupCommit();
  const outcomes = await Promise.allSettled(["a", "b", "a", "c"].map(add));
  expect(outcomes.map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  expect(await names()).toEqual(["a", "b", "c"]);
});
