import { constants } from "node:fs";
import { access, mkdtemp, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { loadSqliteDriver } from "../../database/load-sqlite.ts";
import { type Finding, reasonOf, sizeText } from "./finding.ts";

/** Longer than any transaction of another process. */
const LOCK_MS = 2_000;

/** Whether the state folder can be written to; a missing one is made by the first run, and not by this. */
export async function checkStateFolder(folder: string): Promise<Finding> {
  const check = "State folder";
  try {
    if (await exists(folder)) {
      // To write is the only answer that holds on every platform.
      await rm(await mkdtemp(join(folder, "doctor-")), { recursive: true });
      return { check, state: "ok", message: folder };
    }
    await access(await nearestFolder(folder), constants.W_OK);
    return { check, state: "ok", message: `${folder}, which the first run makes` };
  } catch (error) {
    return {
      check,
      state: "problem",
      message: `${folder} cannot be written to (${codeOf(error) ?? reasonOf(error)})`,
      advice: "Check its permissions and its disk, or set --state-dir or TASK_RUN_MCP_STATE_DIR.",
    };
  }
}

/** Whether a database of the state folder can be read, and how large it is. Changes nothing in it. */
export async function checkDatabase(check: string, path: string): Promise<Finding> {
  if (!(await exists(path))) return { check, state: "ok", message: "none yet" };
  try {
    const open = await loadSqliteDriver(path);
    const database = open(path);
    try {
      database.exec(`PRAGMA busy_timeout = ${LOCK_MS}`);
      database.prepare("SELECT name FROM sqlite_master").all([]);
    } finally {
      database.close();
    }
    return { check, state: "ok", message: `${path}, ${sizeText(await sizeWithLog(path))}` };
  } catch (error) {
    return {
      check,
      state: "problem",
      message: `${path} cannot be read (${reasonOf(error)})`,
      advice: "Move it away, and a new one is made; or choose another state folder.",
    };
  }
}

async function sizeWithLog(path: string): Promise<number> {
  const sizes = await Promise.all(
    [path, `${path}-wal`].map(async (file) => ((await exists(file)) ? (await stat(file)).size : 0)),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function nearestFolder(path: string): Promise<string> {
  let folder = dirname(path);
  while (!(await exists(folder)) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
