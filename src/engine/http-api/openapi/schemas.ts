import { ErrorBody } from "../../../task-api/error-body.ts";
import {
  Citation,
  FieldBasis,
  JsonOutput,
  McpToolCall,
  TaskRunResult,
  TextOutput,
} from "../../../task-api/output.ts";
import { AnnouncedProcessor, ProcessorList } from "../../../task-api/processor-list.ts";
import {
  ErrorEvent,
  ProgressMessageEvent,
  ProgressStatsEvent,
  RunEvent,
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
  TaskGroupEvent,
  TaskGroupRunEvent,
  TaskGroupRunResponse,
  TaskGroupStatus,
  TaskGroupStatusEvent,
} from "../../../task-api/task-group.ts";
import {
  AutoSchemaSpec,
  JsonSchemaSpec,
  TaskSpec,
  TextSchemaSpec,
} from "../../../task-api/task-spec.ts";

/** The schemas that have a name of their own in the document; where sources name one, it has that name. */
export const components = {
  AddRunsBody,
  AdvancedSettings,
  AnnouncedProcessor,
  AutoSchema: AutoSchemaSpec,
  Citation,
  CreateTaskGroupBody,
  ErrorEvent,
  ErrorObject: RunError,
  ErrorResponse: ErrorBody,
  FieldBasis,
  JsonSchema: JsonSchemaSpec,
  McpServer: McpServerEntry,
  McpToolCall,
  ProcessorList,
  ProgressMessageEvent,
  ProgressStatsEvent,
  RequestCheck,
  RunEvent,
  RunInput,
  RunStatus,
  SourcePolicy,
  StateEvent,
  TaskGroup,
  TaskGroupEvent,
  TaskGroupRunEvent,
  TaskGroupRunResponse,
  TaskGroupStatus,
  TaskGroupStatusEvent,
  TaskRun,
  TaskRunJsonOutput: JsonOutput,
  TaskRunList,
  TaskRunResult,
  TaskRunTextOutput: TextOutput,
  TaskSpec,
  TextSchema: TextSchemaSpec,
  Warning: RunWarning,
  Webhook,
};
