import { z } from "zod";
import { JsonObject } from "../../../task-api/task-spec.ts";
import { defineEndpoint, json } from "./endpoint.ts";

export const operatorEndpoints = {
  readHealth: defineEndpoint({
    method: "GET",
    path: "/healthz",
    summary: "Whether the engine can answer",
    answer: json("It can, and its database answers.", z.object({ status: z.literal("ok") }), {
      ok: { status: "ok" },
    }),
    errors: { 503: { message: "The database does not answer; the log has the cause" } },
  }),

  readMetrics: defineEndpoint({
    method: "GET",
    path: "/metrics",
    summary: "What the engine does, for Prometheus",
    answer: {
      status: 200,
      type: "text/plain",
      description: "The metrics, without a word about any tenant.",
      schema: z.string(),
      examples: { runs: 'task_runs{status="queued"} 3\n' },
    },
  }),

  readOpenApi: defineEndpoint({
    method: "GET",
    path: "/openapi.json",
    summary: "This document",
    answer: json("An OpenAPI 3.1 document.", JsonObject, { document: { openapi: "3.1.0" } }),
  }),
};
