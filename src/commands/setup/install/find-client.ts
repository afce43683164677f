import { readdir, stat } from "node:fs/promises";
import type { Machine } from "../../../settings/folders.ts";
import { type ListFolder, isPackaged, pathsOf } from "./client-files.ts";
import type { ClientSpec } from "./clients.ts";

const listFolder: ListFolder = (folder) => readdir(folder).catch(() => []);

/** The files of a client on this machine. */
export interface FoundClient {
  /** The files to write; the usual one when none exists yet. */
  files: string[];
  /** Whether the client's file or its folder exists. */
  isHere: boolean;
}

/** Finds the files where a client stores its servers. */
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
  // A packaged application cannot read the usual file, so write its own even when it is missing.
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
  // A folder may be searchable without being listable.
  return stat(path).then(
    () => true,
    () => false,
  );
}
