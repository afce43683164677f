import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { createClient } from "../../src/client/create-task-api-client.ts";
import { createFollowers, createGroupFollowers } from "../../src/client/follow/followers.ts";
import { createUndiciFetch } from "../../src/client/http/undici-fetch.ts";
import { openDatabase } from "../../src/database/open-database.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import type { Profile } from "../../src/engine/http-api/profile.ts";
import { openLedgerStore } from "../../src/ledger/open-ledger-store.ts";
import type { Backend } from "../../src/mcp/runs/backend.ts";
import { createPriceList } from "../../src/mcp/runs/price-list.ts";
import type { RunReport } from "../../src/mcp/report/run-report.ts";
import { RunInput } from "../../src/task-api/run-input.ts";
import { faultyShare, startFaultyProxy } from "../client/faulty-proxy.ts";
import {
  silentLog,
  startTestEngine,
  temporaryFolder,
  textResult,
} from "../engine/start-test-engine.ts";
import { load } from "../load.ts";
import { type TestClient, connect } from "../mcp/connect.ts";
import { questionOf } from "../mcp/stories.ts";

const RUNS = load({ full: 300, short: 60 });
/** As many calls at once as a busy agent makes. */
const LANES = 30;
const SEED = 20_261_124;

/** 20 % of the exchanges are dropped, 5 % answered with a 503, 5 % stall: before, after and amid what they ask for. */
const SHARES = {
  "drop-before": 0.07,
  "drop-after": 0.07,
  "drop-midway": 0.06,
  "503-before": 0.025,
  "503-after": 0.025,
  "stall-before": 0.02,
  "stall-after": 0.02,
  "stall-midway": 0.01,
} as const;

/** How many times faster than real time: a stalled call is given up after 7.5 s instead of 30, a slow machine's is not. */
const SPEED = 4;
const fastClock: Clock = {
  now: () => systemClock.now() * SPEED,
  elapsedMs: () => systemClock.elapsedMs() * SPEED,
  sleep: (ms, signal) => systemClock.sleep(ms / SPEED, signal),
  startTimer: (ms, onTimeUp) => systemClock.startTimer(ms / SPEED, onTimeUp),
};

const byText = (a: string, b: string) => (a < b ? -1 : 1);

/** Such as the question itself tells: one in ten fails. */
const fails = (question: string) => question.endsWith("3");
const questions = Array.from({ length: RUNS }, (_, index) => `Question ${index}`);

/** The engine, and what it holds, seen past the faults: the runs of every question. */
async function startBackend(profile: Profile) {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const engine = await startTestEngine(
    async ({ input }) => {
      const question = questionOf(input);
      if (fails(question)) throw new ExecutionFailed(`Nothing about ${question}`);
      return textResult(`About ${question}`);
    },
    { profile, databasePath },
  );
  async function readRuns(): Promise<Map<string, string[]>> {
    const db = await openDatabase(databasePath);
    const rows = await db.selectFrom("runs").select(["run_id", "input"]).execute();
    await db.destroy();
    const byQuestion = new Map<string, string[]>();
    for (const { run_id, input } of rows) {
      const question = questionOf(RunInput.parse(JSON.parse(input)));
      byQuestion.set(question, [...(byQuestion.get(question) ?? []), run_id]);
    }
    return byQuestion;
  }
  return { engine, readRuns };
}

/** Our server over a pair of streams as stdio is, with real connections to a backend that fails so often. */
async function serveBehindFaults(engine: Engine) {
  const proxy = await startFaultyProxy({
    target: engine.fetch,
    faults: faultyShare(SEED, SHARES),
  });
  const network = createUndiciFetch();
  onTestFinished(() => network.close());
  const client = createClient({
    baseUrl: proxy.url,
    fetch: network.fetch,
    clock: fastClock,
    inputsPerMinute: Infinity,
  });
  const ledgers = await openLedgerStore({ path: ":memory:", now: Date.now, log: silentLog });
  onTestFinished(() => ledgers.close());
  const backend: Backend = {
    kind: "custom",
    client,
    followers: createFollowers({ client, clock: fastClock }),
    groupFollowers: createGroupFollowers({ client, clock: fastClock }),
    prices: createPriceList({ kind: "custom" }),
    ledger: ledgers.of({ backend: proxy.url, keyFingerprint: null, principal: null }),
    ledgerFallbackReason: null,
  };
  return { client: await connect(async () => backend, { clock: fastClock }), proxy };
}

/** What came of a question. */
type Placed = { kind: "run"; runId: string } | { kind: "refused" } | { kind: "unknown" };

async function place(client: TestClient, question: string): Promise<Placed> {
  const args = { input: question, idempotency_key: question.replace(" ", "-") };
  const { report, isError, text } = await client.call("create_task_run", args);
  if (!isError) return { kind: "run", runId: report.run_id ?? "" };
  if (text.includes("No run was started.")) return { kind: "refused" };
  expect(text).toMatch(/not known whether (the run was started|it was accepted)/);
  return { kind: "unknown" };
}

/** Calls again as the report says, until the run is over. */
async function untilOver(client: TestClient, runId: string): Promise<RunReport> {
  for (;;) {
    const { report, isError, text } = await client.call("get_task_run", { run_id: runId });
    const isUnread = report.status === "completed" && report.output === undefined;
    if (!isError && report.is_active === false && !isUnread) return report;
    if (isError) expect(text).toContain(`get_task_run {"run_id":"${runId}"}`);
    if (isUnread) expect(text).toContain("call get_task_run with this run_id again");
  }
}

/** All rows of a list, page by page. */
async function listAll(client: TestClient, args: Record<string, unknown> = {}) {
  const rows: NonNullable<RunReport["runs"]> = [];
  let cursor: string | undefined;
  do {
    const { report } = await client.call("list_task_runs", {
      ...args,
      limit: 50,
      ...(cursor !== undefined && { cursor }),
    });
    rows.push(...(report.runs ?? []));
    cursor = report.next_cursor;
  } while (cursor !== undefined);
  return rows;
}

async function inLanes<Item, Result>(
  items: readonly Item[],
  act: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = [...items.entries()];
  async function lane(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, item] = next;
      results[index] = await act(item, index);
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

test.each(["hosted", "extended"] as const)(
  "%s profile: of hundreds of creates each is one run or an honest unknown, and every run's end is told right",
  async (profile) => {
    const { engine, readRuns } = await startBackend(profile);
    const { client, proxy } = await serveBehindFaults(engine);

    const placed = await inLanes(questions, (question) => place(client, question));
    // Whoever does not know asks again with the same key, as the report of unknown runs says.
    const known = await inLanes(questions, async (question, index) => {
      let latest = placed[index];
      for (let tries = 0; latest?.kind !== "run" && tries < 10; tries += 1) {
        latest = await place(client, question);
        if (latest.kind === "unknown" && profile === "hosted") break;
      }
      return latest;
    });
    const ends = await inLanes(known, async (outcome) =>
      outcome?.kind === "run" ? untilOver(client, outcome.runId) : null,
    );

    const faulty = proxy.requests.filter(({ fault }) => fault !== null);
    expect(faulty.length / proxy.requests.length).toBeGreaterThan(0.15);
    const held = await readRuns();
    const unknown: string[] = [];
    for (const [index, question] of questions.entries()) {
      const outcome = known[index];
      const runs = held.get(question) ?? [];
      if (outcome?.kind === "run") {
        expect(runs, question).toEqual([outcome.runId]);
        expect(ends[index], question).toMatchObject(
          fails(question)
            ? { status: "failed", error: `Nothing about ${question}` }
            : { status: "completed", output: `About ${question}` },
        );
      } else {
        expect(outcome?.kind, question).toBe("unknown");
        expect(runs.length, question).toBeLessThanOrEqual(1);
        unknown.push(question);
      }
    }
    // A backend that honours the key leaves nobody in doubt.
    if (profile === "extended") expect(unknown).toEqual([]);
    else expect(unknown.length).toBeGreaterThan(RUNS / 50);

    const open = await listAll(client, { status: "unknown" });
    expect(open.map(({ question = "" }) => question).toSorted(byText)).toEqual(
      unknown.toSorted(byText),
    );
    const rows = await listAll(client);
    expect(rows).toHaveLength(RUNS);
    for (const { question = "", status } of rows) {
      const told = unknown.includes(question)
        ? "unknown"
        : fails(question)
          ? "failed"
          : "completed";
      expect(status, question).toBe(told);
    }
  },
);
