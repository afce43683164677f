import { NoFileDriver, hasNodeSqlite, loadSqliteDriver } from "../../../database/load-sqlite.ts";
import type { Finding } from "./finding.ts";

/** As `engines` of package.json says. */
const OLDEST_NODE = [20, 18, 1] as const;

export function checkNode(version: string): Finding {
  const check = "Node";
  const parts = version.split(".").map(Number);
  const differing = OLDEST_NODE.findIndex((part, index) => part !== parts[index]);
  const isOldEnough =
    differing < 0 || (parts[differing] ?? 0) > (OLDEST_NODE[differing] ?? Number.POSITIVE_INFINITY);
  if (isOldEnough) return { check, state: "ok", message: version };
  return {
    check,
    state: "problem",
    message: `${version} is too old`,
    advice: `Install Node ${OLDEST_NODE.join(".")} or later.`,
  };
}

/** Which SQLite keeps the state of this Node. */
export async function checkSqlite(nodeVersion: string, anyFile: string): Promise<Finding> {
  const check = "SQLite";
  if (hasNodeSqlite(nodeVersion)) return { check, state: "ok", message: "node:sqlite" };
  try {
    await loadSqliteDriver(anyFile);
    return { check, state: "ok", message: "libsql" };
  } catch (error) {
    if (!(error instanceof NoFileDriver)) throw error;
    return {
      check,
      state: "warning",
      message: "none that keeps a file: runs are kept in memory and end with the server",
      advice: "Use Node 22.13 or later, or install the optional package libsql.",
    };
  }
}
