// The public exports of `task-run-mcp`.
export { createTaskApiClient } from "./create-task-api-client.ts";
export { createTaskRunServer } from "./create-task-run-server.ts";
export { startEngine } from "./start-engine.ts";
export {
  BackendFailed,
  BackendTimedOut,
  BackendUnreachable,
  CancelNotSupported,
  Forbidden,
  GroupCancelNotSupported,
  GroupNotFound,
  InsufficientCredit,
  InvalidRequest,
  ProcessorRefused,
  RateLimited,
  RequestRejected,
  RequestTooLarge,
  RunNotFound,
  RunStillActive,
  TaskApiError,
  Unauthorized,
  UnreadableAnswer,
} from "../client/errors.ts";
export { InvalidApiKey, InvalidBaseUrl } from "../client/http/connection-options.ts";
export { BadSetting } from "../settings/setting-reader.ts";
export type { ClientOptions, ConnectedClient } from "./create-task-api-client.ts";
export type { TaskRunServer, TaskRunServerOptions } from "./create-task-run-server.ts";
export type { EngineOptions } from "./options.ts";
export type { ServedEngine, ServedEngineOptions } from "./start-engine.ts";
export type { GroupSnapshot, RunSnapshot } from "../client/follow/snapshots.ts";
export type { CallOptions, CreateOptions, TaskApiClient } from "../client/task-api-client.ts";
export type { Citation, FieldBasis, RunOutput, TaskRunResult } from "../task-api/output.ts";
export type { RunEvent } from "../task-api/run-event.ts";
export type { RunInput } from "../task-api/run-input.ts";
export type { RunError, RunStatus, RunWarning, TaskRun } from "../task-api/run.ts";
export type {
  AddRunsBody,
  TaskGroup,
  TaskGroupRunResponse,
  TaskGroupStatus,
} from "../task-api/task-group.ts";
export type { TaskSpec } from "../task-api/task-spec.ts";
