import { onTestFinished } from "vitest";
import { openDatabase } from "../../src/database/open-database.ts";
import { createSqliteRunStore } from "../../src/engine/runs/sqlite/sqlite-run-store.ts";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { silentLog } from "./start-test-engine.ts";

/** The run store on a SQLite file that a test may share with engines, and its database; closed when the test ends. */
export async function openRunStore(databasePath: string, clock: Clock = systemClock) {
  const db = await openDatabase(databasePath);
  const runs = await createSqliteRunStore({ db, clock, log: silentLog });
  onTestFinished(() => runs.close());
  return { db, runs };
}
