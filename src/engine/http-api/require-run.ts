import type { Context } from "hono";
import type { RunRecord } from "../runs/run-record.ts";
import type { RunStore } from "../runs/run-store.ts";
import { runNotFound } from "./api-error.ts";
import type { RequestEnv } from "./request-context.ts";

/** The run that a path names, if it is the caller's; else throws a 404. */
export async function requireRun(
  c: Context<RequestEnv, "/:run_id/*">,
  runs: RunStore,
): Promise<RunRecord> {
  const run = await runs.find(c.req.param("run_id"));
  if (run === undefined || run.tenantId !== c.get("tenant").id) throw runNotFound();
  return run;
}
