// Measures our engine as its own process, over loopback HTTP, with the extractive executor and the example documents.
// Run `npm run bench:engine` on an idle machine.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Agent, fetch, setGlobalDispatcher } from "undici";
import { z } from "zod";
import { type Figure, printFigures } from "./figures.ts";

const BINARY = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const CREATES = 500;
const GROUP_RUNS = 1_000;
const CANCELS = 50;
const WAITERS = 5_000;
const REST_MS = 25_000;

setGlobalDispatcher(new Agent({ connections: WAITERS + 10, headersTimeout: 0, bodyTimeout: 0 }));

interface EngineProcess {
  url: string;
  child: ChildProcess;
  readyMs: number;
}

async function startEngine(stateDir: string, args: string[] = []): Promise<EngineProcess> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [BINARY, "engine", "--log-level", "error", ...args], {
    env: { PATH: process.env["PATH"], TASK_RUN_MCP_STATE_DIR: stateDir },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  const [url] = z.tuple([z.string()]).parse(await once(lines, "line"));
  return { url, child, readyMs: performance.now() - startedAt };
}

async function stop({ child }: EngineProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

const Run = z.looseObject({ run_id: z.string(), status: z.string() });
const Group = z.looseObject({
  taskgroup_id: z.string(),
  status: z.looseObject({
    is_active: z.boolean(),
    task_run_status_counts: z.record(z.string(), z.number()),
  }),
});

async function post(url: string, body: unknown): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json();
}

const question = (i: number) => ({
  input: `What was the GDP of France in ${1990 + (i % 40)}?`,
  processor: "base",
});

async function createRun(url: string, i: number): Promise<string> {
  return Run.parse(await post(`${url}/v1/tasks/runs`, question(i))).run_id;
}

async function waitForRun(url: string, runId: string): Promise<number> {
  const answer = await fetch(`${url}/v1/tasks/runs/${runId}/result?timeout=120`);
  await answer.text();
  return answer.status;
}

/** Resident memory of another process, in MiB. Linux only. */
async function residentMiB({ child }: EngineProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted.at(Math.min(sorted.length - 1, Math.floor(sorted.length * share))) ?? 0;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

const figures: Figure[] = [];
const record = (figure: string, value: number, unit: string) =>
  figures.push({ figure, value, unit });

const stateDir = await mkdtemp(join(tmpdir(), "task-run-mcp-bench-"));
try {
  let engine = await startEngine(stateDir);
  record("process ready (first line on stdout)", engine.readyMs, "ms");
  // The first run indexes the documents and warms up V8.
  for (let i = 0; i < 50; i++) await waitForRun(engine.url, await createRun(engine.url, i));
  record("memory after 50 runs", await residentMiB(engine), "MiB");
  // The engine frees memory at the first of its 10 s checks that finds no work.
  await setTimeout(REST_MS);
  record("memory at rest", await residentMiB(engine), "MiB");

  const latencies: number[] = [];
  const createdIn = await timed(async () => {
    for (let i = 0; i < CREATES; i++) {
      latencies.push(await timed(() => createRun(engine.url, i)));
    }
  });
  latencies.sort((a, b) => a - b);
  record("create, one after the other, p50", percentile(latencies, 0.5), "ms");
  record("create, one after the other, p99", percentile(latencies, 0.99), "ms");
  record(
    "creates per second, one after the other, runs going on beside",
    CREATES / (createdIn / 1000),
    "/s",
  );

  const group = Group.parse(await post(`${engine.url}/v1/tasks/groups`, {}));
  const groupUrl = `${engine.url}/v1/tasks/groups/${group.taskgroup_id}`;
  const inputs = Array.from({ length: GROUP_RUNS }, (_, i) => question(i));
  let addedIn = 0;
  const groupIn = await timed(async () => {
    addedIn = await timed(() => post(`${groupUrl}/runs`, { inputs }));
    // The event stream of a group ends when none of its runs is active.
    await (await fetch(`${groupUrl}/events`)).text();
  });
  const finished = Group.parse(await (await fetch(groupUrl)).json());
  if (finished.status.task_run_status_counts["completed"] !== GROUP_RUNS) {
    throw new Error(`Not all runs completed: ${JSON.stringify(finished.status)}`);
  }
  record(`adding ${GROUP_RUNS} runs to a group`, addedIn, "ms");
  record(`a group of ${GROUP_RUNS} extractive runs, end to end`, groupIn, "ms");
  record("runs per second, end to end", GROUP_RUNS / (groupIn / 1000), "/s");
  await stop(engine, "SIGTERM");

  const script = join(stateDir, "stuck.json");
  await writeFile(script, JSON.stringify({ runs: [{ outcome: { status: "stuck" } }] }));
  engine = await startEngine(stateDir, ["--script", script]);
  const cancels: number[] = [];
  for (let i = 0; i < CANCELS; i++) {
    const runId = await createRun(engine.url, i);
    let status = "queued";
    while (status === "queued") {
      status = Run.parse(await (await fetch(`${engine.url}/v1/tasks/runs/${runId}`)).json()).status;
    }
    cancels.push(
      await timed(async () => {
        await post(`${engine.url}/v1/tasks/runs/${runId}/cancel`, {});
        await waitForRun(engine.url, runId);
      }),
    );
  }
  cancels.sort((a, b) => a - b);
  record("cancel of a running run until it is cancelled, p50", percentile(cancels, 0.5), "ms");
  record("cancel of a running run until it is cancelled, p99", percentile(cancels, 0.99), "ms");

  const stuck = await createRun(engine.url, 0);
  const waiters = Array.from({ length: WAITERS }, () => waitForRun(engine.url, stuck));
  // Each waiter has its own connection, so the descriptor count shows when all have arrived.
  while ((await readdir(`/proc/${engine.child.pid}/fd`)).length < WAITERS) {
    await setTimeout(100);
  }
  record(`memory with ${WAITERS} long polls open`, await residentMiB(engine), "MiB");
  const releasedIn = await timed(async () => {
    await post(`${engine.url}/v1/tasks/runs/${stuck}/cancel`, {});
    const answers = await Promise.all(waiters);
    if (answers.some((status) => status !== 404)) throw new Error("A waiter got a wrong answer");
  });
  record(`answering ${WAITERS} long polls at once`, releasedIn, "ms");
  await stop(engine, "SIGTERM");

  engine = await startEngine(stateDir);
  const killed = await Promise.all(Array.from({ length: 20 }, (_, i) => createRun(engine.url, i)));
  await stop(engine, "SIGKILL");
  const recoveredIn = await timed(async () => {
    engine = await startEngine(stateDir);
    await Promise.all(killed.map((runId) => waitForRun(engine.url, runId)));
  });
  record("killed with 20 runs: from the restart until all are done", recoveredIn, "ms");
  await stop(engine, "SIGTERM");
} finally {
  await rm(stateDir, { recursive: true, force: true });
}

printFigures("engine", figures);
