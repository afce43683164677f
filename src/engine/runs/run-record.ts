import type { RunOutput } from "../../task-api/output.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import {
  type RunError,
  type RunStatus,
  type RunWarning,
  type TaskRun,
  isActiveStatus,
} from "../../task-api/run.ts";

/** A run as the engine knows it. */
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

/** All of them in order, each message once: the check before a run and the run itself may find the same. */
export function mergeWarnings(...lists: readonly RunWarning[][]): RunWarning[] {
  return [...new Map(lists.flat().map((warning) => [warning.message, warning])).values()];
}
