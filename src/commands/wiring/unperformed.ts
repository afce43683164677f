import { realpath } from "node:fs/promises";
import type { BackendConfig } from "../../config.ts";
import type { Flags } from "../../options.ts";

/** How long the suggested command waits: longer than most runs. */
const WAIT_SECONDS = 600;
/** As many runs as a person wants to read of at once. */
const SHOWN_RUNS = 5;
/** How the built-in engine begins the key of runs that research documents; the folders follow. */
const DOCUMENTS_KEY = "extractive:";
const SCRIPT_KEY = "scripted:";

/** The options by which another command meets the same runs, as they were given to this one. */
export function repeatedOptions(flags: Flags): string[] {
  const options = [
    ["--state-dir", flags.stateDir],
    ["--script", flags.script],
    ["--documents", flags.documents],
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
 * What to say of active runs of the built-in engine that no process performs. This process must have closed its own engine:
 * what that has performed is then among them.
 */
export async function unperformedNotes(
  runIds: readonly string[],
  config: BackendConfig,
  options: readonly string[],
): Promise<string[]> {
  if (config.kind !== "embedded" || runIds.length === 0) return [];
  const { databasePath, documents, script } = config.engine;
  const { findUnperformedRuns } = await import("../../engine/runs/sqlite/unperformed-runs.ts");
  // A database that cannot be opened has been told of when the backend was.
  const runs = await findUnperformedRuns(databasePath, runIds, Date.now()).catch(() => []);
  const own = DOCUMENTS_KEY + (await realPaths(documents)).join(",");

  /** Only an engine with the same documents, or the same script, takes a run. */
  function missingOptions(executorKey: string): string[] {
    if (executorKey.startsWith(SCRIPT_KEY)) return script === undefined ? ["--script <file>"] : [];
    if (!executorKey.startsWith(DOCUMENTS_KEY) || executorKey === own) return [];
    return ["--documents", shellWord(executorKey.slice(DOCUMENTS_KEY.length))];
  }

  const notes = runs.slice(0, SHOWN_RUNS).map(({ runId, executorKey }) => {
    const command = getCommandLine(runId, [...options, ...missingOptions(executorKey)]);
    return `No process performs run ${runId} now. It goes on with \`${command}\`, or when a server with the same settings is called.`;
  });
  const more = runs.length - notes.length;
  return more > 0 ? [...notes, `Nor does any process perform ${more} more of these runs.`] : notes;
}

function realPaths(paths: readonly string[]): Promise<string[]> {
  return Promise.all(paths.map((path) => realpath(path).catch(() => path)));
}

function shellWord(text: string): string {
  return /^[\w./:,@~+-]+$/.test(text) ? text : JSON.stringify(text);
}
