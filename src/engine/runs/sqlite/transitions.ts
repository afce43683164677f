import type { Selectable, Updateable } from "kysely";
import type { RunsTable } from "../../../database/schema.ts";
import type { RunOutput } from "../../../task-api/output.ts";
import type { ProgressEvent } from "../../../task-api/run-event.ts";
import {
  type RunError,
  type RunStatus,
  type RunWarning,
  isTerminalStatus,
} from "../../../task-api/run.ts";
import { jsonText } from "../../../text/json.ts";
import type { Lease } from "../run-store.ts";
import type { Write } from "./commit.ts";
import { appendProgress, appendStates } from "./event-log.ts";
import { findRun } from "./read-runs.ts";
import { countSpending } from "./admission.ts";
import { randomBytes } from "node:crypto";
import { type RunRecord, toTaskRun } from "../run-record.ts";

export interface Transition {
  from: RunStatus[];
  to: RunStatus;
  /** The worker that must still hold the run. */
  lease?: Lease;
  set?: Updateable<RunsTable>;
  /** Progress from before the change; it is logged before the change. */
  progress?: readonly ProgressEvent[];
}

/** The columns that are read when a run ends. */
const ENDING_COLUMNS = [
  "run_id",
  "has_webhook",
  "tenant_id",
  "price_usd",
] as const satisfies readonly (keyof RunsTable)[];

type EndingRow = Pick<Selectable<RunsTable>, (typeof ENDING_COLUMNS)[number]>;

/** Moves a run to `to`, if it is in one of `from` and, where a lease is given, still held by it. Else false. */
export async function moveRun(
  write: Write,
  runId: string,
  { from, to, lease, set, progress = [] }: Transition,
): Promise<boolean> {
  let update = write.trx
    .updateTable("runs")
    .set({ ...columnsOf(to, write.at), ...set })
    .where("run_id", "=", runId)
    .where("status", "in", from);
  if (lease !== undefined) {
    update = update.where("lease_owner", "=", lease.owner).where("attempt", "=", lease.attempt);
  }
  const row = await update.returning(ENDING_COLUMNS).executeTakeFirst();
  if (row === undefined) return false;
  await appendProgress(write, runId, { events: progress, status: to });
  await applyEnding(write, [row], to);
  write.announce([runId], to);
  return true;
}

/** Moves every run of a group that is in one of `from`. */
export async function moveGroup(
  write: Write,
  taskgroupId: string,
  { from, to }: Pick<Transition, "from" | "to">,
): Promise<void> {
  const rows = await write.trx
    .updateTable("runs")
    .set(columnsOf(to, write.at))
    .where("taskgroup_id", "=", taskgroupId)
    .where("status", "in", from)
    .returning(ENDING_COLUMNS)
    .execute();
  const runIds = rows.map((row) => row.run_id);
  await appendStates(write, runIds, to);
  await applyEnding(write, rows, to);
  write.announce(runIds, to);
}

/** The columns that every change to this status sets. */
function columnsOf(to: RunStatus, at: string): Updateable<RunsTable> {
  return {
    status: to,
    modified_at: at,
    not_before: null,
    // A run that is being cancelled stays with its worker, which acknowledges the end.
    ...(to !== "cancelling" && { lease_owner: null, lease_until: null }),
    ...(to !== "action_required" && { action_until: null }),
  };
}

/** The consequences of an ending: enqueue the webhooks, and refund the price of runs that did not complete. */
async function applyEnding(write: Write, rows: readonly EndingRow[], to: RunStatus): Promise<void> {
  if (!isTerminalStatus(to)) return;
  for (const row of rows) if (row.has_webhook === 1) await enqueueWebhook(write, row.run_id);
  if (to !== "completed") await countSpending(write.trx, rows, -1);
}

/** Puts the webhook of a run that has just ended into the outbox, in the transaction of its ending. */
async function enqueueWebhook({ trx, nowMs, at }: Write, runId: string): Promise<void> {
  const run = await findRun(trx, runId);
  const webhook = run && webhookOf(run, at);
  if (webhook === undefined) return;
  await trx
    .insertInto("webhook_deliveries")
    .values({
      webhook_id: webhook.webhookId,
      run_id: runId,
      url: webhook.url,
      body: webhook.body,
      next_attempt_ms: Math.floor(nowMs),
      created_ms: Math.floor(nowMs),
    })
    .execute();
}

/** The parts of an ending as the run row stores them. */
export function endingColumns(values: {
  output?: RunOutput;
  warnings?: RunWarning[];
  error?: RunError;
}): Updateable<RunsTable> {
  return Object.fromEntries(
    Object.entries(values).map(([column, value]) => [column, jsonText(value)]),
  );
}

/**
 * The webhook that tells of a run's end, or undefined when the run asked for none. The payload carries the run without
 * its output. Source: Task API, "Payload", which leaves open what happens when a run is cancelled: here every ending is
 * told, so that a receiver never waits for one in vain.
 */
export function webhookOf(
  run: RunRecord,
  at: string,
): { webhookId: string; url: string; body: string } | undefined {
  const { webhook } = run.input;
  if (!webhook?.event_types.includes("task_run.status")) return undefined;
  return {
    webhookId: `whevent_${randomBytes(16).toString("hex")}`,
    // As it will be requested, so that the URLs of one receiver begin alike.
    url: new URL(webhook.url).href,
    body: JSON.stringify({ timestamp: at, type: "task_run.status", data: toTaskRun(run) }),
  };
}
