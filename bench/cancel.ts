// Measures the time from a cancel until the executor's signal aborts, in the same process and from another process on
// the same database: `npx tsx bench/cancel.ts [count]`.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { z } from "zod";
import { type Figure, printFigures } from "./figures.ts";
import { type Engine, createEngine } from "../src/engine/engine.ts";

const Cancelled = z.object({ sentMs: z.number() });

function startEngine(stateDir: string, key: string, onAbort: (atMs: number) => void) {
  return createEngine({
    databasePath: join(stateDir, "engine.sqlite"),
    createExecutor: () => ({
      key,
      execute: ({ signal, report }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            onAbort(nowMs());
            reject(signal.reason);
          });
          void report({ type: "task_run.progress_msg.plan", message: "working" });
        }),
    }),
    log: pino({ level: "warn" }, pino.destination(2)),
  });
}

/** Epoch milliseconds with fractions, comparable between processes of one machine. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

async function post(engine: Engine, path: string, body: object): Promise<unknown> {
  const answer = await engine.fetch(
    new Request(`http://engine${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
  return answer.json();
}

/** Returns the time at which the cancel was sent. */
async function cancel(engine: Engine, runId: string): Promise<number> {
  const sentMs = nowMs();
  await post(engine, `/v1/tasks/runs/${runId}/cancel`, {});
  return sentMs;
}

/** The other process: cancels each run id that it receives. */
async function cancelForOthers(stateDir: string): Promise<void> {
  const engine = await startEngine(stateDir, "other", () => {});
  process.on("message", (runId) => {
    void cancel(engine, String(runId)).then((sentMs) => process.send?.({ sentMs }));
  });
  process.on("disconnect", () => void engine.close());
  process.send?.("ready");
}

async function measure(stateDir: string, count: number): Promise<void> {
  const figures: Figure[] = [];
  let onAbort: (atMs: number) => void = () => {};
  const engine = await startEngine(stateDir, "bench", (atMs) => onAbort(atMs));

  async function abortAfter(send: (runId: string) => Promise<number>): Promise<number> {
    const run = await post(engine, "/v1/tasks/runs", { input: "q", processor: "pro" });
    const { run_id: runId } = z.object({ run_id: z.string() }).parse(run);
    const events = await engine.fetch(new Request(`http://engine/v1/tasks/runs/${runId}/events`));
    const decoder = new TextDecoder();
    for await (const chunk of events.body ?? []) {
      if (decoder.decode(chunk).includes("progress_msg")) break;
    }
    const aborted = new Promise<number>((resolve) => (onAbort = resolve));
    const sentMs = await send(runId);
    return (await aborted) - sentMs;
  }

  async function report(what: string, send: (runId: string) => Promise<number>): Promise<void> {
    const ms: number[] = [];
    for (let i = 0; i < count; i++) ms.push(await abortAfter(send));
    ms.sort((a, b) => a - b);
    for (const [name, share] of [
      ["p50", 0.5],
      ["p99", 0.99],
      ["max", 1],
    ] as const) {
      const value = ms[Math.ceil(share * count) - 1] ?? 0;
      figures.push({ figure: `${what}, ${name}`, value, unit: "ms" });
    }
  }

  await report("cancel until abort, same process", (runId) => cancel(engine, runId));
  const other = fork(fileURLToPath(import.meta.url), ["other", stateDir]);
  await once(other, "message");
  await report("cancel until abort, from another process", async (runId) => {
    other.send(runId);
    const [message] = await once(other, "message");
    return Cancelled.parse(message).sentMs;
  });
  other.disconnect();
  await once(other, "exit");
  await engine.close();
  printFigures("cancel", figures);
}

const [, , role, argument] = process.argv;
if (role === "other") {
  await cancelForOthers(String(argument));
} else {
  const stateDir = await mkdtemp(join(tmpdir(), "task-run-bench-"));
  try {
    await measure(stateDir, Number(role ?? 100));
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}
