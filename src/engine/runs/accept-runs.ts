import { randomUUID } from "node:crypto";
import type { Selectable, Transaction } from "kysely";
import type { DatabaseSchema, RunsTable } from "../../database/schema.ts";
import { findProcessor } from "../../task-api/processors.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import type { RunWarning } from "../../task-api/run.ts";
import { formatTimestamp } from "../../runtime/clock.ts";
import { countSpending } from "../tenants/admission.ts";
import { startLogs } from "./event-log.ts";
import { type RunRecord, readRunRow } from "./run-record.ts";

/** A run to accept. */
export interface NewRun {
  input: RunInput;
  tenantId: string;
  taskgroupId: string | null;
  /** What it costs its tenant if it completes, in US dollars; by default what Parallel's list says. */
  priceUsd?: number;
  /** Which workers may perform it. */
  executorKey: string;
  /** What was found questionable about the input. */
  warnings: RunWarning[];
}

/** The statement is prepared once and kept; one for a thousand rows takes longer to prepare than to run. */
const ROWS_PER_STATEMENT = 100;

/**
 * Writes new runs as `queued`, with their first event. Their creation times are a microsecond apart: the order given
 * is the order in which they are listed and performed.
 */
export async function insertRuns(
  trx: Transaction<DatabaseSchema>,
  newRuns: readonly NewRun[],
  nowMs: number,
): Promise<RunRecord[]> {
  const at = formatTimestamp(nowMs);
  const rows = newRuns.map((run, index) => toRow(run, formatTimestamp(nowMs + index / 1_000)));
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    const chunk = rows.slice(start, start + ROWS_PER_STATEMENT);
    await trx.insertInto("runs").values(chunk).execute();
    const runIds = chunk.map((row) => row.run_id);
    await startLogs(trx, runIds, at);
    await trx
      .updateTable("runs")
      .set(({ selectFrom }) => ({
        first_event_id: selectFrom("run_events")
          .select("run_events.id")
          .whereRef("run_events.run_id", "=", "runs.run_id")
          .where("run_events.seq", "=", 1),
      }))
      .where("run_id", "in", runIds)
      .where("taskgroup_id", "is not", null)
      .execute();
  }
  await countSpending(trx, rows, 1);
  return rows.map(readRunRow);
}

function toRow(run: NewRun, at: string): Omit<Selectable<RunsTable>, "first_event_id"> {
  const runId = `trun_${randomUUID().replaceAll("-", "")}`;
  return {
    run_id: runId,
    interaction_id: runId,
    tenant_id: run.tenantId,
    taskgroup_id: run.taskgroupId,
    status: "queued",
    processor: run.input.processor,
    price_usd: run.priceUsd ?? findProcessor(run.input.processor)?.priceUsd ?? 0,
    executor_key: run.executorKey,
    input: JSON.stringify(run.input),
    output: null,
    error: null,
    warnings: JSON.stringify(run.warnings),
    attempt: 0,
    lease_owner: null,
    lease_until: null,
    action_until: null,
    created_at: at,
    modified_at: at,
  };
}
