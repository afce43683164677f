import { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/database/open-database.ts";
import { isTerminalStatus } from "../../src/task-api/run.ts";
import { expectRunInvariants } from "../engine/run-invariants.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { firstLine, launch } from "./built-binary.ts";

const RUNS_PER_START = 4;
const MAX_ATTEMPTS = 2;

/** Creates a run; undefined when the engine died before it answered. */
async function create(url: string, input: string): Promise<string | undefined> {
  try {
    const body = JSON.stringify({ input, processor: "base" });
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

/** Creates runs, and kills the process once `killAfter` events were seen. Answers with the acknowledged runs. */
async function workAndKill(engine: ChildProcess, killAfter: number): Promise<string[]> {
  const url = await firstLine(engine);
  let seen = 0;
  const killWhenDue = () => {
    if (seen++ === killAfter) engine.kill("SIGKILL");
  };
  killWhenDue();
  const acknowledged = await Promise.all(
    Array.from({ length: RUNS_PER_START }, async (_, i) => {
      const runId = await create(url, `What was the GDP of France in ${2015 + i}?`);
      killWhenDue();
      if (runId !== undefined) await countEvents(url, runId, killWhenDue);
      return runId;
    }),
  );
  engine.kill("SIGKILL");
  if (engine.exitCode === null && engine.signalCode === null) await once(engine, "exit");
  return acknowledged.filter((runId) => runId !== undefined);
}

test("killed at any point, again and again, an engine loses no acknowledged run and breaks no rule", async () => {
  const stateDir = await temporaryFolder();
  const acknowledged: string[] = [];
  // The points are drawn from a fixed seed: a failure can be repeated.
  for (const killAfter of fc.sample(fc.nat({ max: 45 }), { numRuns: 8, seed: 20_261_124 })) {
    acknowledged.push(...(await workAndKill(launch({ stateDir, args: ["engine"] }), killAfter)));
    const db = await openDatabase(join(stateDir, "engine.sqlite"));
    await expectRunInvariants(db, MAX_ATTEMPTS);
    await db.destroy();
  }

  const url = await firstLine(launch({ stateDir, args: ["engine"] }));
  for (const runId of acknowledged) {
    await fetch(`${url}/v1/tasks/runs/${runId}/result?timeout=30`);
    const answer = await fetch(`${url}/v1/tasks/runs/${runId}`);
    const { status }: { status: string } = JSON.parse(await answer.text());
    expect(isTerminalStatus(status)).toBe(true);
  }
  const db = await openDatabase(join(stateDir, "engine.sqlite"));
  await expectRunInvariants(db, MAX_ATTEMPTS);
  const rows = await db.selectFrom("runs").select("run_id").execute();
  await db.destroy();
  expect(rows.map((row) => row.run_id)).toEqual(expect.arrayContaining(acknowledged));
});
