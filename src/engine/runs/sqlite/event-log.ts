import type { Transaction } from "kysely";
import { z } from "zod";
import type { Database } from "../../../database/open-database.ts";
import type { DatabaseSchema } from "../../../database/schema.ts";
import { RunStatus } from "../../../task-api/run.ts";
import {
  ProgressMessageEvent,
  ProgressStatsEvent,
  type ProgressEvent,
} from "../../../task-api/run-event.ts";
import { JsonObject } from "../../../task-api/task-spec.ts";
import { jsonText } from "../../../text/json.ts";
import type { LoggedEvent } from "../run-store.ts";
import type { Write } from "./commit.ts";

export const STATE_TYPE = "task_run.state";
const StateBody = z.object({ status: RunStatus });
const ProgressEventBody = z.union([ProgressStatsEvent, ProgressMessageEvent]);

/** SQLite binds at most 32,766 values in a statement. */
const ROWS_PER_STATEMENT = 1_000;

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

/** Appends the status that runs have just reached. */
export async function appendStates(
  { trx, at }: Write,
  runIds: readonly string[],
  status: RunStatus,
): Promise<void> {
  for (const chunk of chunksOf(runIds)) {
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

/** Appends progress events of a run, oldest first, and then, where given, the status it has just reached. */
export async function appendProgress(
  { trx, at }: Write,
  runId: string,
  { events, status }: { events: readonly ProgressEvent[]; status?: RunStatus },
): Promise<void> {
  // The transaction holds the write lock, so no other can take the same numbers.
  const { last } = await trx
    .selectFrom("run_events")
    .where("run_id", "=", runId)
    .select(({ fn }) => fn.max("seq").as("last"))
    .executeTakeFirstOrThrow();
  const entries = [
    ...events.map(({ type, ...body }) => ({ type, body: jsonText(body) })),
    ...(status === undefined ? [] : [{ type: STATE_TYPE, body: writeStateBody(status) }]),
  ];
  const rows = entries.map((entry, index) => ({
    run_id: runId,
    seq: (last ?? 0) + 1 + index,
    ...entry,
    created_at: at,
  }));
  for (const chunk of chunksOf(rows)) await trx.insertInto("run_events").values(chunk).execute();
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

/** The id of the newest event there is; 0 before the first. Ids rise in the order of the commits. */
export async function readLastEventId(db: Database): Promise<number> {
  const row = await db
    .selectFrom("run_events")
    .select(({ fn }) => fn.max("id").as("id"))
    .executeTakeFirst();
  return row?.id ?? 0;
}

/** The body under which a state is logged; equal statuses have equal bodies, so that they can be searched for. */
export function writeStateBody(status: RunStatus): string {
  return JSON.stringify({ status });
}

export function readStateBody(body: string): RunStatus {
  return StateBody.parse(JSON.parse(body)).status;
}

function* chunksOf<Item>(items: readonly Item[]): Generator<Item[], void> {
  for (let start = 0; start < items.length; start += ROWS_PER_STATEMENT) {
    yield items.slice(start, start + ROWS_PER_STATEMENT);
  }
}
