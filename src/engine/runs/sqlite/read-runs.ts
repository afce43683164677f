import type { Selectable } from "kysely";
import { z } from "zod";
import type { Database } from "../../../database/open-database.ts";
import type { RunsTable } from "../../../database/schema.ts";
import { RunOutput } from "../../../task-api/output.ts";
import { ExtendedRunInput, type RunInput } from "../../../task-api/run-input.ts";
import { RunError, RunStatus, RunWarning } from "../../../task-api/run.ts";
import type { RunRecord } from "../run-record.ts";
import type { RunListQuery, RunPage, StoreCounts } from "../run-store.ts";

const READ_COLUMNS = [
  "run_id",
  "interaction_id",
  "tenant_id",
  "taskgroup_id",
  "status",
  "input",
  "error",
  "warnings",
  "attempt",
  "created_at",
  "modified_at",
] as const satisfies readonly (keyof RunsTable)[];

const RunWarnings = z.array(RunWarning);

export function readRunRow(
  row: Pick<Selectable<RunsTable>, (typeof READ_COLUMNS)[number] | "output">,
): RunRecord {
  return {
    runId: row.run_id,
    interactionId: row.interaction_id,
    tenantId: row.tenant_id,
    taskgroupId: row.taskgroup_id,
    status: RunStatus.parse(row.status),
    input: ExtendedRunInput.parse(JSON.parse(row.input)),
    output: row.output === null ? null : RunOutput.parse(JSON.parse(row.output)),
    error: row.error === null ? null : RunError.parse(JSON.parse(row.error)),
    warnings: row.warnings === null ? [] : RunWarnings.parse(JSON.parse(row.warnings)),
    attempt: row.attempt,
    createdAt: row.created_at,
    modifiedAt: row.modified_at,
  };
}

export async function findRun(db: Database, runId: string): Promise<RunRecord | undefined> {
  const row = await selectRuns(db).where("run_id", "=", runId).executeTakeFirst();
  return row && readRunRow(row);
}

function selectRuns(db: Database) {
  return db.selectFrom("runs").select(READ_COLUMNS).select("output");
}

/** See `RunStore.findMany`. */
export async function findRuns(
  db: Database,
  runIds: readonly string[],
  { withOutput }: { withOutput: boolean },
): Promise<Map<string, RunRecord>> {
  const rows = await db
    .selectFrom("runs")
    .select(READ_COLUMNS)
    .$if(withOutput, (query) => query.select("output"))
    .where("run_id", "in", runIds)
    .execute();
  return new Map(rows.map((row) => [row.run_id, readRunRow({ output: null, ...row })]));
}

/** See `RunStore.list`. */
export async function listRuns(
  db: Database,
  { tenantId, status, taskgroupId, limit, cursor }: RunListQuery,
): Promise<RunPage> {
  let query = selectRuns(db)
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

export async function findInteraction(
  db: Database,
  tenantId: string,
  interactionId: string,
): Promise<RunRecord | undefined> {
  const row = await selectRuns(db)
    .where("interaction_id", "=", interactionId)
    .where("tenant_id", "=", tenantId)
    .executeTakeFirst();
  return row && readRunRow(row);
}

/** Longer conversations are remembered from their end. */
const MAX_CONVERSATION = 20;

/** See `RunStore.readConversation`. */
export async function readConversation(
  db: Database,
  tenantId: string,
  interactionId: string | null | undefined,
): Promise<{ runId: string; input: RunInput["input"]; output: RunOutput }[]> {
  const turns: { runId: string; input: RunInput["input"]; output: RunOutput }[] = [];
  let next = interactionId;
  while (next && turns.length < MAX_CONVERSATION) {
    const run = await findInteraction(db, tenantId, next);
    if (run?.output)
      turns.unshift({ runId: run.runId, input: run.input.input, output: run.output });
    next = run?.input.previous_interaction_id;
  }
  return turns;
}

/** See `RunStore.countAll`. */
export async function countAll(db: Database): Promise<StoreCounts> {
  const [runs, oldestQueuedAt, deliveries] = await Promise.all([
    countRuns(db),
    findOldestQueued(db),
    countDeliveries(db),
  ]);
  return { runs, oldestQueuedAt, deliveries };
}

async function countRuns(db: Database): Promise<StoreCounts["runs"]> {
  const rows = await db
    .selectFrom("runs")
    .select(({ fn }) => ["status", fn.countAll<number>().as("count")])
    .groupBy("status")
    .execute();
  return new Map(rows.map(({ status, count }) => [status, count]));
}

async function findOldestQueued(db: Database): Promise<string | undefined> {
  const row = await db
    .selectFrom("runs")
    .select(({ fn }) => fn.min("created_at").as("created_at"))
    .where("status", "=", "queued")
    .executeTakeFirst();
  // The minimum of no rows is null, although the types say otherwise.
  return row?.created_at ?? undefined;
}

async function countDeliveries(db: Database): Promise<StoreCounts["deliveries"]> {
  const row = await db
    .selectFrom("webhook_deliveries")
    .select(({ fn, eb }) => [
      fn.countAll<number>().as("all"),
      fn.count<number>("next_attempt_ms").as("pending"),
      fn
        .countAll<number>()
        .filterWhere(
          eb.and([eb("next_attempt_ms", "is", null), eb("last_problem", "is not", null)]),
        )
        .as("given_up"),
    ])
    .executeTakeFirstOrThrow();
  const { all, pending, given_up } = row;
  return { pending, delivered: all - pending - given_up, given_up };
}
