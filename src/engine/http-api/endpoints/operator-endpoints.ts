import { z } from "zod";
import { JsonObject } from "../../../task-api/task-spec.ts";
import { NoQuery, defineEndpoint } from "./endpoint.ts";

export const readHealth = defineEndpoint({
  operationId: "readHealth",
  tag: "operation",
  method: "GET",
  path: "/healthz",
  summary: "Whether the engine can answer",
  query: NoQuery,
  answer: {
    status: 200,
    description: "It can, and its database answers.",
    schema: z.object({ status: z.literal("ok") }),
    examples: { ok: { status: "ok" } },
  },
  errors: { 503: { message: "The database does not answer; the log has the cause" } },
});

export const readMetrics = defineEndpoint({
  operationId: "readMetrics",
  tag: "operation",
  method: "GET",
  path: "/metrics",
  summary: "What the engine does, for Prometheus",
  query: NoQuery,
  answer: {
    status: 200,
    type: "text/plain",
    description: "The metrics, without a word about any tenant.",
    schema: z.string(),
    examples: { runs: 'task_runs{status="queued"} 3\n' },
  },
});

export const readOpenApi = defineEndpoint({
  operationId: "readOpenApi",
  tag: "operation",
  method: "GET",
  path: "/openapi.json",
  summary: "This document",
  query: NoQuery,
  answer: {
    status: 200,
    description: "An OpenAPI 3.1 document.",
    schema: JsonObject,
    examples: { document: { openapi: "3.1.0" } },
  },
});
