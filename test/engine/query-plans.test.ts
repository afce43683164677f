import { join } from "node:path";
import { type CompiledQuery, Kysely } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { loadSqliteDriver } from "../../src/database/load-sqlite.ts";
import { openDatabase } from "../../src/database/open-database.ts";
import type { DatabaseSchema } from "../../src/database/schema.ts";
import { SharedSqliteDialect } from "../../src/database/sqlite-dialect.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import {
  removeEmptyGroups,
  removeIdempotencyKeys,
  removeRuns,
} from "../../src/engine/retention/remove-expired.ts";
import { createChangeFeed } from "../../src/engine/runs/change-feed.ts";
import { createGroup } from "../../src/engine/runs/create-group.ts";
import {
  groupHasChanged,
  readLastEventId,
  readTransitions,
} from "../../src/engine/runs/group-events.ts";
import {
  findGroup,
  groupExists,
  listMembers,
  readFirstEventId,
} from "../../src/engine/runs/read-groups.ts";
import { findInteraction, findRun, findRuns, listRuns } from "../../src/engine/runs/read-runs.ts";
import { createRunStateMachine } from "../../src/engine/runs/run-state-machine.ts";
import { admitRuns } from "../../src/engine/tenants/admission.ts";
import { createDeliveryQueue } from "../../src/engine/webhooks/delivery-queue.ts";
import { silentLog, temporaryFolder } from "./start-test-engine.ts";

// SQLite has no statistics of these tables, so it plans for a few rows as for a million.

/** A store that keeps each statement it really sends, and tells how SQLite performs it. */
async function openExplained() {
  const path = join(await temporaryFolder(), "engine.sqlite");
  await (await openDatabase(path)).destroy();
  const open = await loadSqliteDriver(path);
  const [write, read] = [open(path), open(path)];
  const sent: CompiledQuery[] = [];
  const db = new Kysely<DatabaseSchema>({
    dialect: new SharedSqliteDialect({ write, read }),
    log: (event) => {
      if (event.level === "query") sent.push(event.query);
    },
  });
  const feed = await createChangeFeed(db, silentLog);
  onTestFinished(async () => {
    feed.close();
    await db.destroy();
  });

  /** The statements of `work`, each with the lines of its plan. */
  async function explain(work: () => Promise<unknown>) {
    sent.length = 0;
    await work();
    return sent
      .filter(({ sql }) => /^(select|insert|update|delete)/i.test(sql))
      .map(({ sql, parameters }) => ({ sql, plan: planOf(sql, parameters) }));
  }

  function planOf(sql: string, parameters: readonly unknown[]): string[] {
    const rows = read.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(parameters);
    return rows.map((row) =>
      typeof row === "object" && row !== null && "detail" in row ? String(row.detail) : "",
    );
  }

  const runs = createRunStateMachine({ db, feed, clock: systemClock });
  return { db, runs, explain };
}

const executorKey = "test";
const claim = { executorKey, owner: "me", leaseMs: 1_000, limit: 8 };
const webhook = { url: "https://receiver.example/hook", event_types: ["task_run.status" as const] };
const newRun = (taskgroupId: string | null = null) => ({
  input: { input: "?", processor: "base", webhook },
  tenantId: "default",
  taskgroupId,
  executorKey,
  warnings: [],
});

test("a claim finds the oldest queued runs in the index and touches no other", async () => {
  const { runs, explain } = await openExplained();
  await runs.accept([newRun(), newRun()]);
  const statements = await explain(() => runs.claim(claim));
  const [look, update] = statements.filter(({ sql }) => /"executor_key" = /.test(sql));
  const oldestQueued = "SEARCH runs USING INDEX runs_by_status (status=? AND executor_key=?)";
  expect(look?.plan).toEqual([oldestQueued]);
  expect(update?.sql).toMatch(/^update "runs"/);
  expect(update?.plan).toEqual([
    expect.stringMatching(
      /^SEARCH runs USING (COVERING )?INDEX sqlite_autoindex_runs_1 \(run_id=\?\)/,
    ),
    "LIST SUBQUERY 1",
    oldestQueued,
  ]);
});

/** Plans that read more with every run there is: whole tables, sorted in memory, or all runs of a status or tenant. */
const GROWS =
  /^SCAN (?!\d+ CONSTANT)|TEMP B-TREE FOR ORDER BY|runs USING.* \((status|tenant_id)=\?\)/;

test("no statement on the way of a run reads more because there are more other runs", async () => {
  const { db, runs, explain } = await openExplained();
  const taskgroupId = await db
    .transaction()
    .execute((trx) =>
      createGroup(trx, { tenantId: "default", metadata: {} }, new Date().toISOString()),
    );
  const tenant = { id: "default", budgetUsd: 100, createsPerMinute: 2_000 };
  const recovery = { maxAttempts: 2, refId: () => "ref" };
  const queue = createDeliveryQueue(db);
  const output = { type: "text" as const, content: "!", basis: [] };

  const statements = await explain(async () => {
    const admit = (trx: Parameters<typeof admitRuns>[0]) =>
      admitRuns(trx, tenant, [0.01], Date.now());
    const inputs = Array.from({ length: 6 }, () => newRun(taskgroupId));
    const [first] = await runs.accept(inputs, { admit });
    const runId = first?.runId ?? "";
    const [done, waiting, released, cancelled, failed] = await runs.claim(claim);
    if (!done || !waiting || !released || !cancelled || !failed) throw new Error("not claimed");
    await runs.renew("me", [runId], 1_000);
    await runs.heldStatus(done);
    await runs.appendProgress(done, [{ type: "task_run.progress_msg.plan", message: "?" }]);
    await runs.finish(done, { status: "completed", output, warnings: [] });
    const error = { ref_id: "ref", message: "no", detail: null };
    await runs.finish(failed, { status: "failed", error });
    await runs.requireAction(waiting, 1, []);
    await runs.failUnanswered(() => "ref");
    await runs.release(released);
    await runs.cancel(cancelled.runId);
    await runs.acknowledgeCancel(cancelled);
    await runs.cancelGroup(taskgroupId, async () => {});

    await findRun(db, runId);
    await findRuns(db, [runId], { withOutput: true });
    await findInteraction(db, "default", runId);
    const newest = { tenantId: "default", limit: 10 };
    const cursor = { createdAt: new Date().toISOString(), runId };
    for (const status of [undefined, "queued" as const]) {
      await listRuns(db, { ...newest, cursor, status });
      await listRuns(db, { ...newest, taskgroupId, status });
    }
    await listRuns(db, { ...newest, status: "queued" });

    await groupExists(db, "default", taskgroupId);
    await readFirstEventId(db, runId);
    const upTo = await readLastEventId(db);
    await groupHasChanged(db, taskgroupId, { after: upTo - 5, upTo });
    await readTransitions(db, taskgroupId, { after: upTo - 5, upTo });
    await listMembers(db, taskgroupId, { after: upTo - 5, upTo, limit: 10 });
    await listMembers(db, taskgroupId, { after: 0, upTo, status: "queued", limit: 10 });
    // Counts the runs of the group, and of no other.
    await findGroup(db, "default", taskgroupId);

    const nowMs = Date.now();
    const due = await queue.findDue({ nowMs, except: [], limit: 10 });
    expect(due).not.toEqual([]);
    const [delivery] = await queue.claim(
      due.map(({ webhookId }) => webhookId),
      { nowMs, untilMs: nowMs + 1_000 },
    );
    await queue.nextDueMs(nowMs);
    if (delivery !== undefined) await queue.markDelivered(delivery);
  });

  expect(statements.length).toBeGreaterThan(60);
  expect(statements.filter(({ plan }) => plan.some((line) => GROWS.test(line)))).toEqual([]);

  // A page of all runs of a tenant is read from the index in its order, and only as far as the page goes.
  const [page] = await explain(() => listRuns(db, { tenantId: "default", limit: 10 }));
  expect(page?.plan).toEqual(["SEARCH runs USING INDEX runs_by_time (tenant_id=?)"]);
  // As many runs are being performed as there are workers.
  const [held] = await explain(() => runs.recover({ ...recovery, ownerIsGone: () => false }));
  expect(held?.plan).toEqual(["SEARCH runs USING INDEX runs_by_status (status=?)"]);
});

test("retention asks for the webhook of each run it may remove, and does not read all webhooks", async () => {
  const { db, explain } = await openExplained();
  const statements = await explain(async () => {
    await removeRuns(db, Date.now());
    await removeEmptyGroups(db, Date.now());
    await removeIdempotencyKeys(db, Date.now());
  });
  const plans = statements.map(({ plan }) => plan.join("\n"));
  expect(plans.filter((plan) => /SCAN (?!task_groups)/.test(plan))).toEqual([]);
});
