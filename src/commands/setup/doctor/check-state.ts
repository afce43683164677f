import { mkdtemp, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { loadSqliteDriver } from "../../../database/load-sqlite.ts";
import { makeFolder } from "../../../database/open-database.ts";
import { errorCode, errorMessage } from "../../../text/error-message.ts";
import { type Finding, sizeText } from "./finding.ts";

/** Longer than any transaction of another process. */
const LOCK_MS = 2_000;

/** Whether the state folder can be written to. Creates a missing one to find out, and removes it again. */
export async function checkStateFolder(folder: string): Promise<Finding> {
  const check = "State folder";
  let made: string | undefined;
  try {
    made = await makeFolder(folder);
    // Permission bits are not reliable on every platform; only writing is.
    await rm(await mkdtemp(join(folder, "doctor-")), { recursive: true });
    const message = made === undefined ? folder : `${folder}, which the first run creates`;
    return { check, state: "ok", message };
  } catch (error) {
    const code = errorCode(error);
    const what = (await exists(folder)) ? "written to" : "created";
    const why =
      code === "EEXIST" || code === "ENOTDIR"
        ? "a file stands in its place"
        : (code ?? errorMessage(error));
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

/** Removes empty folders, from the innermost to `last`. */
async function removeEmpty(folder: string, last: string): Promise<void> {
  try {
    await rmdir(folder);
    if (folder !== last && dirname(folder) !== folder) await removeEmpty(dirname(folder), last);
  } catch {
    // Another process uses the folder now.
  }
}

/** Whether a database can be read, and its size. Does not change it. */
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
      message: `${path} cannot be read (${errorMessage(error)})`,
      advice: "Move it away, and a new one is created; or choose another state folder.",
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
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
}
