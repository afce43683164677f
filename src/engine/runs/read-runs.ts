import type { Database } from "../../database/open-database.ts";
import type { RunsTable } from "../../database/schema.ts";
import type { RunOutput } from "../../task-api/output.ts";
import type { RunStatus } from "../../task-api/run.ts";
import { type RunRecord, readRunRow } from "./run-record.ts";

export interface RunPage {
  runs: RunRecord[];
  nextCursor: RunCursor | null;
}

/** The last run of a page; the next page holds older ones. */
export interface RunCursor {
  createdAt: string;
  runId: string;
}

export async function findRun(db: Database, runId: string): Promise<RunRecord | undefined> {
  const row = await db
    .selectFrom("runs")
    .selectAll()
    .where("run_id", "=", runId)
    .executeTakeFirst();
  return row && readRunRow(row);
}

/** The run, if it is the tenant's: nobody learns whether another's exists. */
export async function findTenantRun(
  db: Database,
  tenantId: string,
  runId: string,
): Promise<RunRecord | undefined> {
  const run = await findRun(db, runId);
  return run?.tenantId === tenantId ? run : undefined;
}

/** Several runs by id; those that are gone are missing. An output can be large: without need it is not read. */
export async function findRuns(
  db: Database,
  runIds: readonly string[],
  { withOutput }: { withOutput: boolean },
): Promise<Map<string, RunRecord>> {
  const rows = await db
    .selectFrom("runs")
    .select(COLUMNS_WITHOUT_OUTPUT)
    .$if(withOutput, (query) => query.select("output"))
    .where("run_id", "in", runIds)
    .execute();
  return new Map(rows.map((row) => [row.run_id, readRunRow({ output: null, ...row })]));
}

const COLUMNS_WITHOUT_OUTPUT = [
  "run_id",
  "interaction_id",
  "tenant_id",
  "taskgroup_id",
  "status",
  "processor",
  "price_usd",
  "executor_key",
  "input",
  "error",
  "warnings",
  "attempt",
  "lease_owner",
  "lease_until",
  "action_until",
  "created_at",
  "modified_at",
] as const satisfies readonly (keyof RunsTable)[];

/** A page of at most `limit` runs of a tenant, newest first. */
export async function listRuns(
  db: Database,
  {
    tenantId,
    status,
    taskgroupId,
    limit,
    cursor,
  }: {
    tenantId: string;
    status?: RunStatus | undefined;
    taskgroupId?: string | undefined;
    limit: number;
    cursor?: RunCursor | undefined;
  },
): Promise<RunPage> {
  let query = db
    .selectFrom("runs")
    .selectAll()
    .where("tenant_id", "=", tenantId)
    .orderBy("created_at", "desc")
    .orderBy("run_id", "desc")
    .limit(limit + 1);
  if (status !== undefined) query = query.where("status", "=", status);
  if (taskgroupId !== undefined) query = query.where("taskgroup_id", "=", taskgroupId);
  if (cursor !== undefined) {
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple("created_at", "run_id"), "<", tuple(cursor.createdAt, cursor.runId)),
    );
  }
  const rows = await query.execute();
  const runs = rows.slice(0, limit).map(readRunRow);
  const last = runs.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { runs, nextCursor: more ? { createdAt: last.createdAt, runId: last.runId } : null };
}

/**
 * The conversation that a run follows up on, oldest first: its predecessor (by interaction id), that one's
 * predecessor, and so on. Only completed runs of the same tenant have an answer to give.
 */
export async function readConversation(
  db: Database,
  tenantId: string,
  interactionId: string | null | undefined,
): Promise<{ input: RunRecord["input"]["input"]; output: RunOutput }[]> {
  const exchanges: { input: RunRecord["input"]["input"]; output: RunOutput }[] = [];
  let next = interactionId;
  while (next && exchanges.length < MAX_CONVERSATION) {
    const run = await findInteraction(db, tenantId, next);
    if (run?.output) exchanges.unshift({ input: run.input.input, output: run.output });
    next = run?.input.previous_interaction_id;
  }
  return exchanges;
}

/** Longer conversations are remembered from their end. */
const MAX_CONVERSATION = 20;

export async function findInteraction(
  db: Database,
  tenantId: string,
  interactionId: string,
): Promise<RunRecord | undefined> {
  const row = await db
    .selectFrom("runs")
    .selectAll()
    .where("interaction_id", "=", interactionId)
    .where("tenant_id", "=", tenantId)
    .executeTakeFirst();
  return row && readRunRow(row);
}
