import type { Selectable, Transaction, Updateable } from "kysely";
import type { Database } from "../../database/open-database.ts";
import type { DatabaseSchema, RunsTable } from "../../database/schema.ts";
import type { RunOutput } from "../../task-api/output.ts";
import type { ProgressEvent } from "../../task-api/run-event.ts";
import {
  type RunError,
  type RunStatus,
  type RunWarning,
  isTerminalStatus,
} from "../../task-api/run.ts";
import { jsonText } from "../../text/json.ts";
import { type Clock, formatTimestamp } from "../../runtime/clock.ts";
import type { ChangeFeed } from "./change-feed.ts";
import { countSpending } from "../tenants/admission.ts";
import { enqueueWebhook } from "../webhooks/outbox.ts";
import { appendProgress, appendStates } from "./event-log.ts";
import { findRun } from "./read-runs.ts";

/** Who holds a run: every write of a worker is fenced by both, so that a worker that lost its lease changes nothing. */
export interface Lease {
  runId: string;
  owner: string;
  attempt: number;
}

export interface StatusChange {
  from: RunStatus[];
  to: RunStatus;
  /** The worker that must still hold the run. */
  lease?: Lease;
  set?: Updateable<RunsTable>;
  /** What happened before the change, and is logged before it. */
  progress?: readonly ProgressEvent[];
}

/** Something to do in a transaction, at a time: answers with the runs that it changed. */
export type Change<Result> = (
  trx: Trx,
  at: string,
) => Promise<{ changed: readonly string[]; result: Result }>;

/** Makes a change durable. */
export type Commit = <Result>(change: Change<Result>) => Promise<Result>;

/** The parts of an ending as the run row stores them. */
export function toColumns(values: {
  output?: RunOutput;
  warnings?: RunWarning[];
  error?: RunError;
}): Updateable<RunsTable> {
  return Object.fromEntries(
    Object.entries(values).map(([column, value]) => [column, jsonText(value)]),
  );
}

/** What has to be known of a run when it ends. */
const ENDING_COLUMNS = [
  "run_id",
  "input",
  "tenant_id",
  "price_usd",
] as const satisfies readonly (keyof RunsTable)[];

type Trx = Transaction<DatabaseSchema>;

export type StatusChanges = ReturnType<typeof createStatusChanges>;

/** How runs change: in a transaction, fenced, logged, and announced once it is committed. */
export function createStatusChanges({
  db,
  clock,
  feed,
}: {
  db: Database;
  clock: Clock;
  feed: ChangeFeed;
}) {
  const now = () => formatTimestamp(clock.now());

  /** Runs `change` in one transaction and announces the runs it changed, once they are committed. */
  async function commit<Result>(change: Change<Result>): Promise<Result> {
    const { changed, result } = await db.transaction().execute((trx) => change(trx, now()));
    for (const runId of changed) feed.announce(runId);
    return result;
  }

  /** Moves a run to `to`, if it is in one of `from` and, where a lease is given, still held by it. */
  async function changeStatus(
    trx: Trx,
    at: string,
    runId: string,
    { from, to, lease, set, progress = [] }: StatusChange,
  ): Promise<boolean> {
    let update = trx
      .updateTable("runs")
      .set({ ...columnsOf(to, at), ...set })
      .where("run_id", "=", runId)
      .where("status", "in", from);
    if (lease !== undefined) {
      update = update.where("lease_owner", "=", lease.owner).where("attempt", "=", lease.attempt);
    }
    const row = await update.returning(ENDING_COLUMNS).executeTakeFirst();
    if (row === undefined) return false;
    await appendProgress(trx, runId, { events: progress, status: to }, at);
    await followEnding(trx, [row], to, at);
    return true;
  }

  /** What the end of runs brings with it: their webhooks, and their price back where nothing was delivered. */
  async function followEnding(
    trx: Trx,
    rows: readonly Pick<Selectable<RunsTable>, (typeof ENDING_COLUMNS)[number]>[],
    to: RunStatus,
    at: string,
  ): Promise<void> {
    if (!isTerminalStatus(to)) return;
    for (const row of rows) await enqueueWebhookOf(trx, row, at);
    if (to !== "completed") await countSpending(trx, rows, -1);
  }

  async function enqueueWebhookOf(
    trx: Trx,
    { run_id: runId, input }: Pick<Selectable<RunsTable>, "run_id" | "input">,
    at: string,
  ): Promise<void> {
    // Most runs have none, and reading a whole run takes longer than looking for the word in its input.
    if (!input.includes('"webhook"')) return;
    const run = await findRun(trx, runId);
    if (run !== undefined) await enqueueWebhook(trx, run, { at, nowMs: clock.now() });
  }

  /** Moves every run of a group that is in one of `from`; answers with their ids. */
  async function changeGroup(
    trx: Trx,
    at: string,
    taskgroupId: string,
    { from, to }: Pick<StatusChange, "from" | "to">,
  ): Promise<string[]> {
    const rows = await trx
      .updateTable("runs")
      .set(columnsOf(to, at))
      .where("taskgroup_id", "=", taskgroupId)
      .where("status", "in", from)
      .returning(ENDING_COLUMNS)
      .execute();
    const runIds = rows.map((row) => row.run_id);
    await appendStates(trx, runIds, to, at);
    await followEnding(trx, rows, to, at);
    return runIds;
  }

  /** One status change in a transaction of its own; false when it no longer applied. */
  function moveRun(runId: string, change: StatusChange): Promise<boolean> {
    return commit(async (trx, at) => {
      const result = await changeStatus(trx, at, runId, change);
      return { changed: result ? [runId] : [], result };
    });
  }

  return { commit, changeStatus, changeGroup, moveRun };
}

/** What every change to a status sets. */
function columnsOf(to: RunStatus, at: string): Updateable<RunsTable> {
  return {
    status: to,
    modified_at: at,
    // A run that is being cancelled stays with its worker, who is the one to acknowledge.
    ...(to !== "cancelling" && { lease_owner: null, lease_until: null }),
    ...(to !== "action_required" && { action_until: null }),
  };
}
