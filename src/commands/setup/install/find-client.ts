import { readdir, stat } from "node:fs/promises";
import type { Machine } from "../../../settings/folders.ts";
import { type ListFolder, isPackaged, pathsOf } from "./client-files.ts";
import type { ClientSpec } from "./clients.ts";

const listFolder: ListFolder = (folder) => readdir(folder).catch(() => []);

/** What of a client is on this machine. */
export interface FoundClient {
  /** Every place of its file that is to be written; the usual one where there is none yet. */
  files: string[];
  /** Whether the client has left anything here. */
  isHere: boolean;
}

/** Where on this machine a client keeps its servers. */
export async function findClient(
  client: ClientSpec,
  machine: Machine,
  list: ListFolder = listFolder,
): Promise<FoundClient> {
  const usual = client.file(machine);
  const others = (await client.otherFiles?.(machine, list)) ?? [];
  const isThere = (path: string) => exists(path, machine, list);
  const here: string[] = [];
  for (const file of [usual, ...others]) if (await isThere(file)) here.push(file);
  // A packaged application cannot see the usual place, so its own is made when it is missing.
  for (const file of others) if (isPackaged(file) && !here.includes(file)) here.push(file);
  const { dirname } = pathsOf(machine);
  const folder = dirname(usual);
  const hasFolder = folder !== machine.home && (await isThere(folder));
  return {
    files: here.length > 0 ? here : [usual],
    isHere: here.length > 0 || hasFolder,
  };
}

async function exists(path: string, machine: Machine, list: ListFolder): Promise<boolean> {
  const { basename, dirname } = pathsOf(machine);
  if ((await list(dirname(path))).includes(basename(path))) return true;
  // A folder that may be entered and not be listed.
  return stat(path).then(
    () => true,
    () => false,
  );
}
