// What a program gets that imports `task-run-mcp`.
export { createTaskApiClient } from "./create-task-api-client.ts";
export { createTaskRunServer } from "./create-task-run-server.ts";
export { startEngine } from "./start-engine.ts";
export { TaskApiError } from "../client/errors.ts";
export type { ClientOptions, ConnectedClient } from "./create-task-api-client.ts";
export type { TaskRunServer, TaskRunServerOptions } from "./create-task-run-server.ts";
export type { EngineOptions } from "./options.ts";
export type { ServedEngine, ServedEngineOptions } from "./start-engine.ts";
export type { TaskApiClient } from "../client/task-api-client.ts";
