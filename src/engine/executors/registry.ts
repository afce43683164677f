import type { Executor, ExecutorDeps, ExecutorKind } from "./executor.ts";

/**
 * Every executor by name; each is loaded only when it is used. Settings that the configuration has choose among them,
 * the first one here first: what a user has to ask for comes before what needs nothing but a folder.
 */
const EXECUTORS: Readonly<Record<string, () => Promise<ExecutorKind>>> = {
  host: async () => (await import("./host/host-executor.ts")).host,
  scripted: async () => (await import("./scripted/scripted-executor.ts")).scripted,
  extractive: async () => (await import("./extractive/extractive-executor.ts")).extractive,
};

/** The settings of executors by name; undefined for one that is not configured. */
export type ExecutorSettings = Readonly<Record<string, unknown>>;

/**
 * Creates the executor that the settings choose. Throws a `TypeError` when they name none, a `ZodError` when its own
 * settings are wrong, and what the executor throws when it cannot start.
 */
export async function createExecutor(
  settings: ExecutorSettings,
  deps: ExecutorDeps,
): Promise<Executor> {
  for (const [name, load] of Object.entries(EXECUTORS)) {
    if (settings[name] === undefined) continue;
    const kind = await load();
    return kind.create(deps, settings[name]);
  }
  const names = Object.keys(EXECUTORS).join(", ");
  throw new TypeError(`No executor is configured; configure one of ${names}`);
}

/**
 * Creates the executors of an engine by processor: `*` has the settings for those without an entry, and a `-fast` variant
 * has the executor of its processor. Throws what {@link createExecutor} throws.
 */
export async function createExecutors(
  settings: Readonly<Record<string, ExecutorSettings>>,
  deps: ExecutorDeps,
): Promise<Executor> {
  const created = new Map<string, Promise<Executor>>();
  const byProcessor = new Map<string, Executor>();
  for (const [processor, own] of Object.entries(settings)) {
    const name = JSON.stringify(own);
    const executor = created.get(name) ?? createExecutor(own, deps);
    created.set(name, executor);
    byProcessor.set(processor, await executor);
  }
  const all = [...new Set(byProcessor.values())];
  const [only] = all;
  if (only !== undefined && all.length === 1) return only;

  function executorOf(processor: string): Executor {
    const base = processor.replace(/-fast$/, "");
    const executor = byProcessor.get(processor) ?? byProcessor.get(base) ?? byProcessor.get("*");
    if (executor === undefined) throw new TypeError(`No executor is configured for ${processor}`);
    return executor;
  }

  return {
    key: JSON.stringify([...byProcessor].map(([processor, { key }]) => [processor, key])),
    execute: (attempt) => executorOf(attempt.input.processor).execute(attempt),
    warningsFor: async (input, sinceMs) =>
      (await executorOf(input.processor).warningsFor?.(input, sinceMs)) ?? [],
    usualSeconds: (processor) => executorOf(processor).usualSeconds?.(processor) ?? null,
    async close() {
      for (const executor of all) await executor.close?.();
    },
  };
}
