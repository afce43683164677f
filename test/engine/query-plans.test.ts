import { join } from "node:path";
import { type CompiledQuery, Kysely } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { loadSqliteDriver } from "../../src/database/load-sqlite.ts";
import { openDatabase } from "../../src/database/open-database.ts";
import type { DatabaseSchema } from "../../src/database/schema.ts";
import { SharedSqliteDialect } from "../../src/database/sqlite-dialect.ts";
import { createSqliteRunStore } from "../../src/engine/runs/sqlite/sqlite-run-store.ts";
import { systemClock } from "../../src/runtime/clock.ts";
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
  const runs = await createSqliteRunStore({ db, clock: systemClock, log: silentLog });
  onTestFinished(() => runs.close());

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

  return { runs, explain };
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
  const oldestQueued =
    "SEARCH runs USING INDEX runs_by_status (status=? AND executor_key=? AND not_before=?)";
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
  const { runs, explain } = await openExplained();
  const { taskgroupId } = await runs.groups.create({ tenantId: "default", metadata: {} });
  const group = { tenantId: "default", taskgroupId };
  const tenant = { id: "default", budgetUsd: 100, createsPerMinute: 2_000 };
  const recovery = { maxAttempts: 2, refId: () => "ref" };
  const queue = runs.deliveries;
  const output = { type: "text" as const, content: "!", basis: [] };

  const statements = await explain(async () => {
    const inputs = Array.from({ length: 7 }, () => newRun(taskgroupId));
    const added = await runs.groups.addRuns(group, inputs, { tenant });
    const runId = added?.runs[0]?.runId ?? "";
    const [done, waiting, released, cancelled, failed, retried] = await runs.claim(claim);
    if (!done || !waiting || !released || !cancelled || !failed || !retried)
      throw new Error("not claimed");
    await runs.renew("me", [runId], 1_000);
    await runs.heldStatus(done);
    await runs.appendProgress(done, [{ type: "task_run.progress_msg.plan", message: "?" }]);
    await runs.finish(done, { status: "completed", output, warnings: [] });
    const error = { ref_id: "ref", message: "no", detail: null };
    await runs.finish(failed, { status: "failed", error });
    await runs.requireAction(waiting, { untilMs: 1, warnings: [], takesAnswer: false });
    await runs.failUnanswered(() => "ref");
    await runs.release(released);
    await runs.retryLater(retried, 1);
    await runs.claim({ ...claim, limit: 1 });
    await runs.cancel(cancelled.runId);
    await runs.acknowledgeCancel(cancelled);
    await runs.groups.cancel(group);

    await runs.find(runId);
    await runs.findMany([runId], { withOutput: true });
    await runs.findInteraction("default", runId);
    const newest = { tenantId: "default", limit: 10 };
    const cursor = { createdAt: new Date().toISOString(), runId };
    for (const status of [undefined, "queued" as const]) {
      await runs.list({ ...newest, cursor, status });
      await runs.list({ ...newest, taskgroupId, status });
    }
    await runs.list({ ...newest, status: "queued" });

    await runs.groups.exists("default", taskgroupId);
    const upTo = await runs.groups.lastPosition();
    await runs.groups.hasChanged(taskgroupId, { after: upTo - 5, upTo });
    await runs.groups.readTransitions(taskgroupId, { after: upTo - 5, upTo });
    await runs.groups.listMembers(taskgroupId, { after: upTo - 5, upTo, limit: 10 });
    await runs.groups.listMembers(taskgroupId, { after: 0, upTo, status: "queued", limit: 10 });
    // Counts the runs of the group, and of no other.
    await runs.groups.find("default", taskgroupId);

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
  const [page] = await explain(() => runs.list({ tenantId: "default", limit: 10 }));
  expect(page?.plan).toEqual(["SEARCH runs USING INDEX runs_by_time (tenant_id=?)"]);
  // As many runs are being performed as there are workers.
  const [held] = await explain(() => runs.recover({ ...recovery, ownerIsGone: () => false }));
  expect(held?.plan).toEqual(["SEARCH runs USING INDEX runs_by_status (status=?)"]);
});

test("retention asks for the webhook of each run it may remove, and does not read all webhooks", async () => {
  const { runs, explain } = await openExplained();
  const statements = await explain(async () => {
    await runs.expired.removeRuns(Date.now());
    await runs.expired.removeEmptyGroups(Date.now());
    await runs.expired.removeAnswers();
  });
  const plans = statements.map(({ plan }) => plan.join("\n"));
  expect(plans.filter((plan) => /SCAN (?!task_groups)/.test(plan))).toEqual([]);
});
