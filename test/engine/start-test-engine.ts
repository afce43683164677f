import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { type Engine, type EngineDeps, createEngine } from "../../src/engine/engine.ts";
import type { Attempt, ExecutionResult, Executor } from "../../src/engine/executors/executor.ts";
import { onFinished } from "../on-finished.ts";

export const silentLog = pino({ level: "silent" });

/** A new folder that is gone when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "task-run-mcp-"));
  onFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** An executor whose runs do what the test says: the real engine around work that a test can hold and release. */
export function executorOf(execute: (attempt: Attempt) => Promise<ExecutionResult>): Executor {
  return { key: "test", execute };
}

export const textResult = (content: string): ExecutionResult => ({
  output: { type: "text", content, basis: [] },
  warnings: [],
});

/** The real engine on a database of its own (or the one given); closed when the test ends. */
export async function startTestEngine(
  execute: (attempt: Attempt) => Promise<ExecutionResult>,
  options: Partial<EngineDeps> = {},
): Promise<Engine> {
  const databasePath = options.databasePath ?? join(await temporaryFolder(), "engine.sqlite");
  const engine = await createEngine({
    createExecutor: () => executorOf(execute),
    log: silentLog,
    ...options,
    databasePath,
  });
  onFinished(() => engine.close());
  return engine;
}

/** The system's clock, except that the test says what time it is. */
export function clockAt(now: () => number): Clock {
  return { ...systemClock, now };
}

/** A promise that the test settles. */
export function deferred<Value = void>() {
  let resolve: (value: Value) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** Ends as the signal aborts: what a well-behaved executor does while it waits. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
