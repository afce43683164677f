import { mkdtemp, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { loadSqliteDriver } from "../../../database/load-sqlite.ts";
import { makeFolder } from "../../../database/open-database.ts";
import { type Finding, reasonOf, sizeText } from "./finding.ts";

/** Longer than any transaction of another process. */
const LOCK_MS = 2_000;

/** Whether the state folder can be written to; one that is missing is made to know it, and taken away again. */
export async function checkStateFolder(folder: string): Promise<Finding> {
  const check = "State folder";
  let made: string | undefined;
  try {
    made = await makeFolder(folder);
    // To write is the only answer that holds on every platform.
    await rm(await mkdtemp(join(folder, "doctor-")), { recursive: true });
    const message = made === undefined ? folder : `${folder}, which the first run makes`;
    return { check, state: "ok", message };
  } catch (error) {
    const code = codeOf(error);
    const what = (await exists(folder)) ? "written to" : "made";
    const why =
      code === "EEXIST" || code === "ENOTDIR"
        ? "a file stands in its place"
        : (code ?? reasonOf(error));
    return {
      check,
      state: "problem",
      message: `${folder} cannot be ${what} (${why})`,
      advice: "Check its permissions and its disk, or set --state-dir or TASK_RUN_MCP_STATE_DIR.",
    };
  } finally {
    if (made !== undefined) await removeEmpty(folder, made);
  }
}

/** Removes folders from the innermost to `last`, as far as nothing is in them. */
async function removeEmpty(folder: string, last: string): Promise<void> {
  try {
    await rmdir(folder);
    if (folder !== last && dirname(folder) !== folder) await removeEmpty(dirname(folder), last);
  } catch {
    // Another process uses it by now.
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

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
