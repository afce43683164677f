import { z } from "zod";
import { AnswerForm, AnswerSubmission } from "../../../task-api/answer.ts";
import { ErrorBody } from "../../../task-api/error-body.ts";
import { HeadingOfPage, PageOfRun, PassageOfRun, RunEvidence } from "../../../task-api/evidence.ts";
import {
  Citation,
  FieldBasis,
  JsonOutput,
  McpToolCall,
  RunOutput,
  TaskRunResult,
  TextOutput,
} from "../../../task-api/output.ts";
import { AnnouncedProcessor, ProcessorList } from "../../../task-api/processor-list.ts";
import {
  ErrorEvent,
  ProgressMessageEvent,
  ProgressStatsEvent,
  StateEvent,
} from "../../../task-api/run-event.ts";
import {
  AdvancedSettings,
  McpServerEntry,
  RunInput,
  SourcePolicy,
  Webhook,
} from "../../../task-api/run-input.ts";
import {
  RequestCheck,
  RunError,
  RunStatus,
  RunWarning,
  TaskRun,
  TaskRunList,
} from "../../../task-api/run.ts";
import {
  AddRunsBody,
  CreateTaskGroupBody,
  TaskGroup,
  TaskGroupRunResponse,
  TaskGroupStatus,
  TaskGroupStatusEvent,
} from "../../../task-api/task-group.ts";
import {
  AutoSchemaSpec,
  JsonObject,
  JsonSchemaSpec,
  TaskSpec,
  TextSchemaSpec,
} from "../../../task-api/task-spec.ts";

// The schemas of this engine's answers. They are stricter than what the contract lets a client read: a field that is
// always written is required, a status is one of the known ones, and a count is an integer.

const Count = z.int().min(0);

const WrittenError = RunError.extend({ ref_id: z.string(), detail: JsonObject.nullable() });

export const WrittenRun = TaskRun.extend({
  interaction_id: z.string(),
  status: RunStatus,
  created_at: z.string(),
  modified_at: z.string(),
  warnings: z.array(RunWarning).optional(),
  error: WrittenError.optional(),
  metadata: JsonObject,
  taskgroup_id: z.string().optional(),
});

export const WrittenRunList = TaskRunList.extend({ runs: z.array(WrittenRun) });
export const WrittenResult = TaskRunResult.extend({ run: WrittenRun });

const WrittenAnnouncedProcessor = AnnouncedProcessor.extend({ price_usd: z.number().min(0) });
export const WrittenProcessorList = ProcessorList.extend({
  processors: z.array(WrittenAnnouncedProcessor),
});

const WrittenState = StateEvent.extend({
  event_id: z.string().nullable(),
  run: WrittenRun,
  input: JsonObject.nullable(),
  output: RunOutput.nullable(),
});
const WrittenStats = ProgressStatsEvent.extend({
  progress_meter: z.number().min(0).max(100),
  source_stats: z
    .looseObject({
      num_sources_considered: Count.nullish(),
      num_sources_read: Count.nullish(),
      sources_read_sample: z.array(z.string()).nullish(),
    })
    .nullish(),
});
const WrittenMessage = ProgressMessageEvent.extend({ timestamp: z.string() });
const WrittenErrorEvent = ErrorEvent.extend({ error: WrittenError });
export const WrittenRunEvent = z.union([
  WrittenState,
  WrittenStats,
  WrittenMessage,
  WrittenErrorEvent,
]);

const WrittenGroupStatus = TaskGroupStatus.extend({
  num_task_runs: Count,
  task_run_status_counts: z.partialRecord(RunStatus, Count),
  status_message: z.string().nullable(),
  modified_at: z.string(),
});
export const WrittenGroup = TaskGroup.extend({
  status: WrittenGroupStatus,
  created_at: z.string(),
  metadata: JsonObject.nullable(),
});
export const WrittenAddedRuns = TaskGroupRunResponse.extend({
  status: WrittenGroupStatus,
  run_ids: z.array(z.string().min(1)),
  run_cursor: z.string().nullable(),
  event_cursor: z.string().nullable(),
});
const WrittenGroupStatusEvent = TaskGroupStatusEvent.extend({
  event_id: z.string(),
  status: WrittenGroupStatus,
});
export const WrittenGroupEvent = z.union([
  WrittenGroupStatusEvent,
  WrittenState,
  WrittenErrorEvent,
]);
export const WrittenGroupRunEvent = z.union([WrittenState, WrittenErrorEvent]);

export const WrittenEvidence = RunEvidence.extend({
  hits_total: Count,
  next_offset: Count.nullable(),
});

/** The schemas that have a name of their own in the document; where sources name one, it has that name. */
export const components = {
  AddRunsBody,
  AdvancedSettings,
  AnnouncedProcessor: WrittenAnnouncedProcessor,
  AnswerForm,
  AnswerSubmission,
  AutoSchema: AutoSchemaSpec,
  Citation,
  CreateTaskGroupBody,
  ErrorEvent: WrittenErrorEvent,
  ErrorObject: WrittenError,
  ErrorResponse: ErrorBody,
  FieldBasis,
  HeadingOfPage,
  JsonSchema: JsonSchemaSpec,
  McpServer: McpServerEntry,
  McpToolCall,
  PageOfRun,
  PassageOfRun,
  ProcessorList: WrittenProcessorList,
  ProgressMessageEvent: WrittenMessage,
  ProgressStatsEvent: WrittenStats,
  RequestCheck,
  RunEvidence: WrittenEvidence,
  RunEvent: WrittenRunEvent,
  RunInput,
  RunStatus,
  SourcePolicy,
  StateEvent: WrittenState,
  TaskGroup: WrittenGroup,
  TaskGroupEvent: WrittenGroupEvent,
  TaskGroupRunEvent: WrittenGroupRunEvent,
  TaskGroupRunResponse: WrittenAddedRuns,
  TaskGroupStatus: WrittenGroupStatus,
  TaskGroupStatusEvent: WrittenGroupStatusEvent,
  TaskRun: WrittenRun,
  TaskRunJsonOutput: JsonOutput,
  TaskRunList: WrittenRunList,
  TaskRunResult: WrittenResult,
  TaskRunTextOutput: TextOutput,
  TaskSpec,
  TextSchema: TextSchemaSpec,
  Warning: RunWarning,
  Webhook,
};
