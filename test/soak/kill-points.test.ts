import { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/database/open-database.ts";
import { isTerminalStatus } from "../../src/task-api/run.ts";
import { expectRunInvariants } from "../engine/run-invariants.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { LOOPBACK, type Receiver, startReceiver } from "../engine/webhooks-receiver.ts";
import { isFullLoad, load } from "../load.ts";
import { firstLine, launch, preload } from "../e2e/built-binary.ts";

const RUNS_PER_START = 4;
const MAX_ATTEMPTS = 2;

/** The process is killed at the count-th of these. The first event is its start; webhooks are not answered before. */
interface KillPoint {
  seen: "event" | "webhook";
  count: number;
}

/** Four runs have some forty events. The points are drawn from a fixed seed: a failure can be repeated. */
const KILL_POINTS: KillPoint[] = fc.sample(
  fc.oneof(
    fc.record({ seen: fc.constant("event" as const), count: fc.integer({ min: 1, max: 46 }) }),
    fc.record({
      seen: fc.constant("webhook" as const),
      count: fc.integer({ min: 1, max: RUNS_PER_START }),
    }),
  ),
  { numRuns: load({ full: 10, short: 4 }), seed: 20_261_124 },
);

/** Creates a run with a webhook; undefined when the engine died before it answered. */
async function create(url: string, input: string, hook: string): Promise<string | undefined> {
  try {
    const webhook = { url: hook, event_types: ["task_run.status"] };
    const body = JSON.stringify({ input, processor: "base", enable_events: true, webhook });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${url}/v1/tasks/runs`, { method: "POST", body, headers });
    const { run_id: runId }: { run_id: string } = JSON.parse(await answer.text());
    return runId;
  } catch {
    return undefined;
  }
}

/** Counts what arrives on a run's event stream, until it ends or breaks. */
async function countEvents(url: string, runId: string, onEvent: () => void): Promise<void> {
  try {
    const stream = await fetch(`${url}/v1/tasks/runs/${runId}/events`);
    for await (const chunk of stream.body ?? []) {
      for (const _event of new TextDecoder().decode(chunk).matchAll(/^data: /gm)) onEvent();
    }
  } catch {
    // The process was killed: that is the point.
  }
}

/** Ids of webhooks, with how often each has arrived. */
function countArrivals({ received }: Receiver): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { headers } of received) {
    const id = headers["webhook-id"] ?? "";
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

test("killed at any point, again and again, an engine loses no acknowledged run and no webhook, and breaks no rule", async () => {
  expect(new Set(KILL_POINTS.map(({ seen }) => seen)).size).toBe(2);
  const stateDir = await temporaryFolder();
  let onWebhook = () => {};
  const receiver = await startReceiver((response) => {
    onWebhook();
    response.end();
  });
  const start = (env: Record<string, string> = {}) =>
    launch({ stateDir, env, args: ["engine", "--allow-networks", LOOPBACK.join()] });
  const withDatabase = async <Result>(
    look: (db: Awaited<ReturnType<typeof openDatabase>>) => Promise<Result>,
  ) => {
    const db = await openDatabase(join(stateDir, "engine.sqlite"));
    try {
      return await look(db);
    } finally {
      await db.destroy();
    }
  };

  /** Creates runs, and kills the process at the point. Answers with the acknowledged runs. */
  async function workAndKill(engine: ChildProcess, point: KillPoint): Promise<string[]> {
    const exited = once(engine, "exit");
    const url = await firstLine(engine);
    const seen = { event: 0, webhook: 0 };
    const see = (what: KillPoint["seen"]) => {
      seen[what] += 1;
      if (point.seen === what && seen[what] === point.count) engine.kill("SIGKILL");
    };
    see("event");
    onWebhook = () => see("webhook");
    // A webhook is seen once more than it is there, as events are: the first point is before anything.
    seen.webhook += 1;
    const arrivals = receiver.received.length;
    const acknowledged = await Promise.all(
      Array.from({ length: RUNS_PER_START }, async (_, i) => {
        const runId = await create(url, `What was the GDP of France in ${2015 + i}?`, receiver.url);
        see("event");
        if (runId !== undefined) await countEvents(url, runId, () => see("event"));
        return runId;
      }),
    );
    await Promise.race([exited, receiver.until(arrivals + RUNS_PER_START)]);
    engine.kill("SIGKILL");
    await exited;
    return acknowledged.filter((runId) => runId !== undefined);
  }

  const acknowledged: string[] = [];
  /** Webhooks whose delivery is on record, with how often they had arrived by then. */
  const settled = new Map<string, number>();
  for (const point of KILL_POINTS) {
    acknowledged.push(...(await workAndKill(start(), point)));
    await withDatabase(async (db) => {
      await expectRunInvariants(db, MAX_ATTEMPTS);
      const rows = await db
        .selectFrom("webhook_deliveries")
        .select("webhook_id")
        .where("next_attempt_ms", "is", null)
        .execute();
      const arrived = countArrivals(receiver);
      for (const { webhook_id: id } of rows) {
        if (!settled.has(id)) settled.set(id, arrived.get(id) ?? 0);
      }
    });
  }

  onWebhook = () => {};
  // What was being sent when a process died is sent again once its lease is over, after 20 s.
  const later = preload("const { now } = Date; Date.now = () => now() + 30_000;");
  const url = await firstLine(start(later));
  for (const runId of acknowledged) {
    await fetch(`${url}/v1/tasks/runs/${runId}/result?timeout=30`);
    const answer = await fetch(`${url}/v1/tasks/runs/${runId}`);
    const { status }: { status: string } = JSON.parse(await answer.text());
    expect(isTerminalStatus(status)).toBe(true);
  }
  await withDatabase(async (db) => {
    await expectRunInvariants(db, MAX_ATTEMPTS);
    const rows = await db.selectFrom("runs").select("run_id").execute();
    expect(rows.map((row) => row.run_id)).toEqual(expect.arrayContaining(acknowledged));

    const unsent = async () => {
      const waiting = db.selectFrom("webhook_deliveries").where("next_attempt_ms", "is not", null);
      const unended = db.selectFrom("runs").where("status", "in", ["queued", "running"]);
      const all = await Promise.all([waiting, unended].map((query) => query.selectAll().execute()));
      return all.flat().length;
    };
    await expect.poll(unsent, { interval: 200 }).toBe(0);
    await expectRunInvariants(db, MAX_ATTEMPTS);
    const deliveries = await db
      .selectFrom("webhook_deliveries")
      .select(["run_id", "webhook_id", "last_problem"])
      .execute();
    expect(deliveries.every((delivery) => delivery.last_problem === null)).toBe(true);
    const arrived = countArrivals(receiver);
    expect(new Set(arrived.keys())).toEqual(new Set(deliveries.map((row) => row.webhook_id)));
    const runOf = new Map(deliveries.map((row) => [row.webhook_id, row.run_id]));
    for (const { headers, body } of receiver.received) {
      const { data } = JSON.parse(body);
      expect(data.run_id).toBe(runOf.get(headers["webhook-id"] ?? ""));
      expect(isTerminalStatus(data.status)).toBe(true);
    }
    // Killed before the answer: sent again. On record as delivered: never again.
    expect(Math.max(...arrived.values())).toBeGreaterThan(1);
    for (const [id, count] of settled) expect(arrived.get(id)).toBe(count);
    if (isFullLoad) expect(settled.size).toBeGreaterThan(0);
  });
});
