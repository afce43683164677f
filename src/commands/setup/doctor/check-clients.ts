import { access } from "node:fs/promises";
import { isAbsolute } from "node:path";
import type { Proxies } from "../../../client/http/proxies.ts";
import type { Machine } from "../../../settings/folders.ts";
import { SERVER_NAME } from "../install/install.ts";
import { CLIENTS, type ClientSpec } from "../install/clients.ts";
import { findClient } from "../install/find-client.ts";
import { readConfigFile } from "../install/config-file.ts";
import { readServers } from "../install/edit-config.ts";
import { ClientConfigUnusable } from "../install/config-errors.ts";
import { type ConfigObject, isConfigObject, urlOf } from "../install/merge-entry.ts";
import {
  type RunningProgram,
  type StartedEntry,
  isOurEntry,
  readStartedEntry,
} from "../install/server-entry.ts";
import { errorMessage } from "../../../text/error-message.ts";
import type { Finding } from "./finding.ts";

/** A server starts in about a second, unless npx has to download it first. */
const START_MS = 20_000;
const DOWNLOAD_MS = 60_000;

export interface ClientsToCheck {
  machine: Machine;
  program: RunningProgram;
  version: string;
  proxies: Proxies;
  /** Make no network requests. */
  isOffline: boolean;
  signal: AbortSignal;
  /** The longest that a server may take to list its tools, in milliseconds. */
  startMs?: number | undefined;
}

/** Finds this server in the configuration of clients, and tries whether each entry lists its tools. */
export async function* checkClients(options: ClientsToCheck): AsyncGenerator<Finding> {
  const check = "Clients";
  const entries: ClientEntry[] = [];
  const problems: Finding[] = [];
  for (const client of Object.values(CLIENTS)) {
    const { files } = await findClient(client, options.machine);
    for (const file of files) {
      try {
        entries.push(...(await readEntries(client, file, options.program)));
      } catch (error) {
        if (!(error instanceof ClientConfigUnusable)) throw error;
        problems.push({
          check: client.title,
          state: "warning",
          message: errorMessage(error),
          advice: `${client.title} may be unable to read it, too.`,
        });
      }
    }
  }
  yield entries.length > 0
    ? { check, state: "ok", message: entries.map(labelOf).join(", ") }
    : {
        check,
        state: "warning",
        message: "no known client on this machine has this server in its configuration",
        advice:
          "task-run-mcp install lists the clients found here and adds the server to one of them.",
      };
  yield* problems;
  for (const entry of entries) yield await checkEntry(entry, options);
}

interface ClientEntry {
  client: ClientSpec;
  name: string;
  entry: ConfigObject;
}

function labelOf({ client, name }: ClientEntry): string {
  return `${client.title} ("${name}")`;
}

async function readEntries(
  client: ClientSpec,
  file: string,
  program: RunningProgram,
): Promise<ClientEntry[]> {
  const { path, text, bytes } = await readConfigFile(file);
  if (bytes === null) return [];
  const { servers } = readServers(text, client, path);
  return Object.entries(servers).flatMap(([name, entry]) => {
    if (!isConfigObject(entry)) return [];
    // Only the name identifies an entry with a URL, or with a path that has moved.
    const isOurs = name === SERVER_NAME || isOurEntry(entry, program);
    return isOurs ? [{ client, name, entry }] : [];
  });
}

async function checkEntry(entry: ClientEntry, options: ClientsToCheck): Promise<Finding> {
  const { client, name } = entry;
  const check = client.title;
  const advice = `task-run-mcp install ${client.id} --name ${name} writes the correct entry.`;
  const started = readStartedEntry(entry.entry);
  const url = urlOf(entry.entry);
  const [missing] = started === null ? [] : await missingFiles(started.line);
  if (missing !== undefined) {
    const message = `"${name}" starts ${missing}, which does not exist`;
    return { check, state: "problem", message, advice };
  }
  const isDownloaded = started?.line.includes("npx") ?? false;
  if (options.isOffline && (isDownloaded || started === null)) {
    return { check, state: "ok", message: `"${name}" was not tried, because it needs the network` };
  }
  const ms = options.startMs ?? (isDownloaded ? DOWNLOAD_MS : START_MS);
  const limit = AbortSignal.timeout(ms);
  const signal = AbortSignal.any([options.signal, limit]);
  try {
    const tools = await listTools(entry.entry, started, { ...options, signal });
    if (tools.length > 0) {
      const how = started === null ? `at ${url} answers` : "starts";
      return { check, state: "ok", message: `"${name}" ${how} and lists ${tools.length} tools` };
    }
    return { check, state: "problem", message: `"${name}" lists no tools`, advice };
  } catch (error) {
    options.signal.throwIfAborted();
    const reason = limit.aborted
      ? `lists no tools within ${ms / 1_000} s`
      : `${started === null ? "cannot be reached" : "does not start"} (${errorMessage(error)})`;
    return {
      check,
      state: "problem",
      message: `"${name}" ${reason}`,
      advice: started === null ? "Check the URL, its token, and whether that server runs." : advice,
    };
  }
}

async function listTools(
  entry: ConfigObject,
  started: StartedEntry | null,
  { version, proxies, signal }: ClientsToCheck,
): Promise<string[]> {
  const { listToolsAt, listToolsOfStarted } = await import("./list-entry-tools.ts");
  return started === null
    ? listToolsAt(entry, { version, proxies, signal })
    : listToolsOfStarted(started, { version, signal });
}

async function missingFiles(line: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const part of line.slice(0, 2).filter((path) => isAbsolute(path))) {
    try {
      await access(part);
    } catch {
      missing.push(part);
    }
  }
  return missing;
}
