import { randomUUID } from "node:crypto";
import type { Selectable } from "kysely";
import type { RunsTable } from "../../../database/schema.ts";
import { findProcessor } from "../../../task-api/processors.ts";
import { formatTimestamp } from "../../../runtime/clock.ts";
import type { Tenant } from "../../tenants/tenant.ts";
import type { NewRun } from "../new-run.ts";
import type { RunRecord } from "../run-record.ts";
import { admitRuns, countSpending } from "./admission.ts";
import type { Write } from "./commit.ts";
import { startLogs } from "./event-log.ts";
import { readRunRow } from "./read-runs.ts";

/** The prepared statement is cached. A statement for a thousand rows would take longer to prepare than to run. */
const ROWS_PER_STATEMENT = 100;

/**
 * Writes new runs as `queued`, with their first event, if the limits of `tenant` allow them. Their creation times are a
 * microsecond apart: the order given is the order in which they are listed and performed.
 */
export async function insertRuns(
  write: Write,
  newRuns: readonly NewRun[],
  tenant: Tenant | undefined,
): Promise<RunRecord[]> {
  const { trx, nowMs, at } = write;
  const rows = newRuns.map((run, index) => toRow(run, formatTimestamp(nowMs + index / 1_000)));
  if (tenant !== undefined) {
    const prices = rows.map((row) => row.price_usd);
    await admitRuns(write, tenant, prices);
  }
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
    write.announce(runIds, "queued");
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
    has_webhook: run.input.webhook ? 1 : 0,
    output: null,
    error: null,
    warnings: JSON.stringify(run.warnings),
    attempt: 0,
    lease_owner: null,
    lease_until: null,
    action_until: null,
    not_before: null,
    created_at: at,
    modified_at: at,
  };
}
