import type { Context } from "hono";
import type { Database } from "../../database/open-database.ts";
import { findTenantRun } from "../runs/read-runs.ts";
import type { RunRecord } from "../runs/run-record.ts";
import { runNotFound } from "./api-error.ts";
import type { RequestEnv } from "./request-context.ts";

/** The run that a path names, if it is the caller's; else throws a 404. */
export async function requireRun(
  c: Context<RequestEnv, "/:run_id/*">,
  db: Database,
): Promise<RunRecord> {
  const run = await findTenantRun(db, c.get("tenant").id, c.req.param("run_id"));
  if (run === undefined) throw runNotFound();
  return run;
}
