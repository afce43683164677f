// Measures the cost of many long polls for one engine process, over loopback HTTP: `npx tsx bench/long-polls.ts [count]`.
// In the first case all wait for one run that reports progress; in the second, each waits for its own run.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { Agent, fetch } from "undici";
import { z } from "zod";
import { createEngine } from "../src/engine/engine.ts";
import { serveTaskApi } from "../src/engine/http-api/serve.ts";

const STEPS = 20;
const Told = z.object({ url: z.string(), rssMb: z.number(), openRequests: z.number() });
const Command = z.enum(["step", "finish", "tell"]);

/** The measured process: its runs report a step, or finish, when the parent process says so. */
async function serve(stateDir: string): Promise<void> {
  const waiting = new Set<(command: "step" | "finish") => void>();
  let finished = false;
  const engine = await createEngine({
    databasePath: join(stateDir, "engine.sqlite"),
    createExecutor: () => ({
      key: "bench",
      execute: async ({ report, signal }) => {
        let step = 0;
        while (!finished) {
          signal.throwIfAborted();
          const command = await new Promise<"step" | "finish">((resolve) => waiting.add(resolve));
          if (command === "finish") break;
          await report({ type: "task_run.progress_stats", progress_meter: (step += 1) });
        }
        return { output: { type: "text", content: "done", basis: [] }, warnings: [] };
      },
    }),
    log: pino({ level: "warn" }, pino.destination(2)),
  });
  let openRequests = 0;
  const server = await serveTaskApi(
    (request) => {
      openRequests += 1;
      return engine.fetch(request).finally(() => (openRequests -= 1));
    },
    { host: "127.0.0.1", port: 0 },
  );
  function tell(): void {
    globalThis.gc?.();
    process.send?.({ url: server.url, rssMb: process.memoryUsage.rss() / 1024 ** 2, openRequests });
  }
  process.on("message", (message) => {
    const command = Command.parse(message);
    if (command === "tell") {
      tell();
      return;
    }
    finished = command === "finish";
    const told = [...waiting];
    waiting.clear();
    for (const resume of told) resume(command);
  });
  tell();
}

async function measure(name: string, polls: number, runsCount: number): Promise<void> {
  const stateDir = await mkdtemp(join(tmpdir(), "task-run-mcp-bench-"));
  const child = fork(fileURLToPath(import.meta.url), ["serve", stateDir], {
    execArgv: ["--import", "tsx", "--expose-gc"],
  });
  const ask = async () => {
    const answer = once(child, "message");
    child.send("tell");
    return Told.parse((await answer)[0]);
  };
  const { url } = Told.parse((await once(child, "message"))[0]);
  const dispatcher = new Agent({ connections: polls + 1, headersTimeout: 0, bodyTimeout: 0 });
  const runIds: string[] = [];
  for (let i = 0; i < runsCount; i++) {
    const answer = await fetch(`${url}/v1/tasks/runs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ input: "wait", processor: "base", enable_events: true }),
      dispatcher,
    });
    runIds.push(z.looseObject({ run_id: z.string() }).parse(await answer.json()).run_id);
  }

  const { rssMb: before } = await ask();
  const outcomes = new Map<string, number>();
  const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  const answered = Array.from({ length: polls }, async (_, i) => {
    try {
      const path = `/v1/tasks/runs/${runIds[i % runsCount]}/result?timeout=600`;
      const answer = await fetch(url + path, { dispatcher });
      await answer.text();
      count(String(answer.status));
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error;
      count(cause instanceof Error ? cause.message : String(cause));
    }
  });
  let told = await ask();
  const failures = () => [...outcomes.values()].reduce((sum, n) => sum + n, 0);
  while (told.openRequests + failures() < polls) {
    // Pause between polls, or the process would be busy answering them.
    await setTimeout(500);
    told = await ask();
  }

  const stepsAt = performance.now();
  const events = await fetch(`${url}/v1/tasks/runs/${runIds[0]}/events`, { dispatcher });
  let steps = 0;
  child.send("step");
  for await (const chunk of events.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    if (!chunk.includes("progress_stats")) continue;
    steps += 1;
    if (steps === STEPS) break;
    child.send("step");
  }
  const stepMs = (performance.now() - stepsAt) / STEPS;
  const finishedAt = performance.now();
  child.send("finish");
  await Promise.all(answered);
  const drainMs = performance.now() - finishedAt;

  process.stdout.write(
    `${name}: ${JSON.stringify(Object.fromEntries(outcomes))}, RSS ${before.toFixed(0)} → ${told.rssMb.toFixed(0)} MB ` +
      `(${(((told.rssMb - before) * 1024) / polls).toFixed(1)} kB each), one step ${stepMs.toFixed(0)} ms, ` +
      `all answered ${drainMs.toFixed(0)} ms after the end\n`,
  );
  await dispatcher.destroy();
  child.kill("SIGKILL");
  await once(child, "exit");
  await rm(stateDir, { recursive: true, force: true });
}

const [mode, argument = ""] = process.argv.slice(2);
if (mode === "serve") {
  await serve(argument);
} else {
  const polls = Number(mode ?? 5_000);
  await measure("one run", polls, 1);
  await measure("a run each", polls, polls);
}
