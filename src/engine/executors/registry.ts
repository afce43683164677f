import type { Executor, ExecutorDeps, ExecutorKind } from "./executor.ts";

/**
 * Every executor by name; each is loaded only when it is used. Settings that the configuration has choose among them,
 * the first one here first: what a user has to ask for comes before what needs nothing but a folder.
 */
const EXECUTORS: Readonly<Record<string, () => Promise<ExecutorKind>>> = {
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
