import { realpath } from "node:fs/promises";
import type { BackendConfig } from "../../config.ts";
import type { Flags } from "../../options.ts";

/** How long the suggested command waits: longer than most runs. */
const WAIT_SECONDS = 600;
const MAX_NAMED_RUNS = 5;
/** The executor key of runs that research documents; the folders follow. */
const DOCUMENTS_KEY = "extractive:";
const SCRIPT_KEY = "scripted:";

/** Options with which another command finds the same runs. */
export function lookupOptions(flags: Flags): string[] {
  const options = [
    ["--state-dir", flags.stateDir],
    ["--script", flags.script],
    ["--documents", flags.documents],
    ["--executor", flags.executor],
  ] as const;
  return options.flatMap(([flag, value]) =>
    value === undefined ? [] : [flag, shellWord(String(value))],
  );
}

/** The command that waits for a run. */
export function getCommandLine(runId: string, options: readonly string[]): string {
  return ["task-run-mcp get", runId, "--wait", WAIT_SECONDS, ...options].join(" ");
}

/**
 * Says which of these runs are active without a worker, and how to continue them. Only the built-in engine can have such
 * runs. Close the engine of this process first: its own runs then count as well.
 */
export async function notesOnRunsWithoutWorker(
  runIds: readonly string[],
  config: BackendConfig,
  options: readonly string[],
): Promise<string[]> {
  if (config.kind !== "embedded" || runIds.length === 0) return [];
  const { databasePath, documents, script } = config.engine;
  const { findUnperformedRuns } = await import("../../engine/runs/sqlite/unperformed-runs.ts");
  // Opening the backend has already reported a database that cannot be opened.
  const runs = await findUnperformedRuns(databasePath, runIds, Date.now()).catch(() => []);
  const own = DOCUMENTS_KEY + (await realPaths(documents)).join(",");

  /** Only an engine with the same documents, or the same script, claims a run. */
  function missingOptions(executorKey: string): string[] {
    if (executorKey.startsWith(SCRIPT_KEY)) return script === undefined ? ["--script <file>"] : [];
    if (!executorKey.startsWith(DOCUMENTS_KEY) || executorKey === own) return [];
    return ["--documents", shellWord(executorKey.slice(DOCUMENTS_KEY.length))];
  }

  const notes = runs.slice(0, MAX_NAMED_RUNS).map(({ runId, executorKey }) => {
    const command = getCommandLine(runId, [...options, ...missingOptions(executorKey)]);
    return `Run ${runId} has no worker now. \`${command}\` continues it, as does the next call to a server with the same settings.`;
  });
  const more = runs.length - notes.length;
  return more > 0 ? [...notes, `${more} more of these runs have no worker.`] : notes;
}

function realPaths(paths: readonly string[]): Promise<string[]> {
  return Promise.all(paths.map((path) => realpath(path).catch(() => path)));
}

function shellWord(text: string): string {
  return /^[\w./:,@~+-]+$/.test(text) ? text : JSON.stringify(text);
}
