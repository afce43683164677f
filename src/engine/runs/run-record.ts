import type { Selectable } from "kysely";
import { z } from "zod";
import type { RunsTable } from "../../database/schema.ts";
import { RunOutput } from "../../task-api/output.ts";
import { ExtendedRunInput, type RunInput } from "../../task-api/run-input.ts";
import {
  RunError,
  RunStatus,
  RunWarning,
  type TaskRun,
  isActiveStatus,
} from "../../task-api/run.ts";

/** A run as the engine knows it: the row of the database, read. */
export interface RunRecord {
  runId: string;
  interactionId: string;
  tenantId: string;
  taskgroupId: string | null;
  status: RunStatus;
  input: RunInput;
  output: RunOutput | null;
  error: RunError | null;
  warnings: RunWarning[];
  attempt: number;
  createdAt: string;
  modifiedAt: string;
}

const RunWarnings = z.array(RunWarning);

export function readRunRow(row: Omit<Selectable<RunsTable>, "first_event_id">): RunRecord {
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

/** The run object of the wire. `error` and `warnings` are left out when there are none, as the API does. */
export function toTaskRun(run: RunRecord): TaskRun {
  return {
    run_id: run.runId,
    interaction_id: run.interactionId,
    status: run.status,
    is_active: isActiveStatus(run.status),
    processor: run.input.processor,
    ...(run.warnings.length > 0 && { warnings: run.warnings }),
    ...(run.error !== null && { error: run.error }),
    metadata: run.input.metadata ?? {},
    ...(run.taskgroupId !== null && { taskgroup_id: run.taskgroupId }),
    created_at: run.createdAt,
    modified_at: run.modifiedAt,
  };
}

/** All of them in order, each message once: what was told before a run may be found again by it. */
export function mergeWarnings(...lists: readonly RunWarning[][]): RunWarning[] {
  return [...new Map(lists.flat().map((warning) => [warning.message, warning])).values()];
}
