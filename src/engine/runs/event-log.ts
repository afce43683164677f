import type { Transaction } from "kysely";
import { z } from "zod";
import type { Database } from "../../database/open-database.ts";
import type { DatabaseSchema } from "../../database/schema.ts";
import { RunStatus } from "../../task-api/run.ts";
import {
  ProgressMessageEvent,
  ProgressStatsEvent,
  type ProgressEvent,
} from "../../task-api/run-event.ts";
import { JsonObject } from "../../task-api/task-spec.ts";

/** One entry of a run's event log. A state is kept as its status only: the run row holds the rest. */
export type LoggedEvent = { seq: number } & (
  | { kind: "state"; status: RunStatus }
  | { kind: "progress"; event: ProgressEvent }
);

export const STATE_TYPE = "task_run.state";
const StateBody = z.object({ status: RunStatus });
const ProgressEventBody = z.union([ProgressStatsEvent, ProgressMessageEvent]);

/** Appends the status a run has just reached. Runs in the transaction of the change itself. */
export async function appendState(
  trx: Transaction<DatabaseSchema>,
  runId: string,
  status: RunStatus,
  at: string,
): Promise<void> {
  await append(trx, runId, STATE_TYPE, { status }, at);
}

/** The same for many runs at once. */
export async function appendStates(
  trx: Transaction<DatabaseSchema>,
  runIds: readonly string[],
  status: RunStatus,
  at: string,
): Promise<void> {
  for (let start = 0; start < runIds.length; start += RUNS_PER_STATEMENT) {
    const chunk = runIds.slice(start, start + RUNS_PER_STATEMENT);
    await trx
      .insertInto("run_events")
      .columns(["run_id", "seq", "type", "body", "created_at"])
      .expression(
        trx
          .selectFrom("run_events")
          .where("run_id", "in", chunk)
          .groupBy("run_id")
          .select(({ fn, lit, val, eb }) => [
            "run_id",
            eb(fn.max("seq"), "+", lit(1)).as("seq"),
            val(STATE_TYPE).as("type"),
            val(writeStateBody(status)).as("body"),
            val(at).as("created_at"),
          ]),
      )
      .execute();
  }
}

/** SQLite binds at most 32,766 values in a statement. */
const RUNS_PER_STATEMENT = 1_000;

/** Appends progress events, oldest first. */
export async function appendProgress(
  trx: Transaction<DatabaseSchema>,
  runId: string,
  events: readonly ProgressEvent[],
  at: string,
): Promise<void> {
  for (const { type, ...body } of events) await append(trx, runId, type, body, at);
}

/** Writes the first event of new runs: they are `queued`. */
export async function startLogs(
  trx: Transaction<DatabaseSchema>,
  runIds: readonly string[],
  at: string,
): Promise<void> {
  const body = writeStateBody("queued");
  await trx
    .insertInto("run_events")
    .values(runIds.map((run_id) => ({ run_id, seq: 1, type: STATE_TYPE, body, created_at: at })))
    .execute();
}

/** The body under which a state is logged; equal statuses have equal bodies, so that they can be searched for. */
export function writeStateBody(status: RunStatus): string {
  return JSON.stringify({ status });
}

export function readStateBody(body: string): RunStatus {
  return StateBody.parse(JSON.parse(body)).status;
}

async function append(
  trx: Transaction<DatabaseSchema>,
  runId: string,
  type: string,
  body: JsonObject,
  at: string,
): Promise<void> {
  await trx
    .insertInto("run_events")
    .values(({ selectFrom, fn, lit, eb }) => ({
      run_id: runId,
      // The write lock is held, so nobody else can take the same number.
      seq: selectFrom("run_events")
        .where("run_id", "=", runId)
        .select(eb(fn.coalesce(fn.max("seq"), lit(0)), "+", lit(1)).as("next")),
      type,
      body: JSON.stringify(body),
      created_at: at,
    }))
    .execute();
}

/** The events of a run after `afterSeq`, oldest first. */
export async function readEvents(
  db: Database,
  runId: string,
  afterSeq: number,
): Promise<LoggedEvent[]> {
  const rows = await db
    .selectFrom("run_events")
    .select(["seq", "type", "body"])
    .where("run_id", "=", runId)
    .where("seq", ">", afterSeq)
    .orderBy("seq")
    .execute();
  return rows.map(({ seq, type, body }) => {
    if (type === STATE_TYPE) return { seq, kind: "state", status: readStateBody(body) };
    const fields = JsonObject.parse(JSON.parse(body));
    return { seq, kind: "progress", event: ProgressEventBody.parse({ type, ...fields }) };
  });
}
