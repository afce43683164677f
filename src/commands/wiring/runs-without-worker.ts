import { realpath } from "node:fs/promises";
import { z } from "zod";
import type { BackendConfig } from "../../config.ts";
import type { Flags } from "../../options.ts";
import { EXECUTORS } from "../../settings/setting-values.ts";

/** How long the suggested command waits: longer than most runs. */
const WAIT_SECONDS = 600;
const MAX_NAMED_RUNS = 5;
const SCRIPT_KEY = "scripted:";
/** The executor keys of runs that search documents; the folders follow. */
const DOCUMENT_KEYS = ["extractive:", "host:"];
/** The executor key of an engine with several executors: the processor and the key of each. */
const SeveralKeys = z.array(z.tuple([z.string(), z.string()]));

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
  const { databasePath, documents, script, executors } = config.engine;
  const { findUnperformedRuns } = await import("../../engine/runs/sqlite/unperformed-runs.ts");
  // Opening the backend has already reported a database that cannot be opened.
  const runs = await findUnperformedRuns(databasePath, runIds, Date.now()).catch(() => []);
  const own = (await realPaths(documents)).join(",");

  /** Only an engine with the same executors, and the same documents or script, claims a run. */
  function missingOptions(executorKey: string): string[] {
    const wanted = keysByProcessor(executorKey);
    const keys = wanted.map(([, key]) => key);
    const choice = wanted.map(([processor, key]) => `${processor}=${nameOf(key)}`);
    // A process that performs no runs has an executor without options.
    if (!wanted.every(([, key]) => EXECUTORS.some((name) => name === nameOf(key)))) return [];
    const isChosen =
      wanted.length === Object.keys(executors).length &&
      wanted.every(([processor, key]) => executors[processor] === nameOf(key));
    const folders = keys.find(isOfDocuments)?.replace(/^\w+:/, "");
    return [
      ...(isChosen ? [] : ["--executor", shellWord(choice.join(",").replace(/^\*=/, ""))]),
      ...(keys.some((key) => key.startsWith(SCRIPT_KEY)) && script === undefined
        ? ["--script <file>"]
        : []),
      ...(folders === undefined || folders === own ? [] : ["--documents", shellWord(folders)]),
    ];
  }

  const notes = runs.slice(0, MAX_NAMED_RUNS).map(({ runId, executorKey }) => {
    const command = getCommandLine(runId, [...options, ...missingOptions(executorKey)]);
    return `Run ${runId} has no worker now. \`${command}\` continues it, as does the next call to a server with the same settings.`;
  });
  const more = runs.length - notes.length;
  return more > 0 ? [...notes, `${more} more of these runs have no worker.`] : notes;
}

function keysByProcessor(executorKey: string): [string, string][] {
  return executorKey.startsWith("[")
    ? SeveralKeys.parse(JSON.parse(executorKey))
    : [["*", executorKey]];
}

function nameOf(key: string): string {
  return key.replace(/:.*$/s, "");
}

function isOfDocuments(key: string): boolean {
  return DOCUMENT_KEYS.some((start) => key.startsWith(start));
}

function realPaths(paths: readonly string[]): Promise<string[]> {
  return Promise.all(paths.map((path) => realpath(path).catch(() => path)));
}

function shellWord(text: string): string {
  return /^[\w./:,@~+-]+$/.test(text) ? text : JSON.stringify(text);
}
