import type { ZodOpenApiPathsObject } from "zod-openapi";
import { z } from "zod";
import { JsonObject } from "../../../task-api/task-spec.ts";
import { answers, json } from "./answers.ts";
import { databaseSilent } from "./error-answers.ts";

const common = { tags: ["operation"], security: [] };

/** The endpoints for those who operate an engine; none of them needs a key. */
export const operatorPaths: ZodOpenApiPathsObject = {
  "/healthz": {
    get: {
      ...common,
      operationId: "readHealth",
      summary: "Is the engine well?",
      responses: answers(databaseSilent, {
        200: json("It is, and its database answers.", z.object({ status: z.literal("ok") }), {
          ok: { status: "ok" },
        }),
      }),
    },
  },
  "/metrics": {
    get: {
      ...common,
      operationId: "readMetrics",
      summary: "What the engine does, for Prometheus",
      responses: {
        200: {
          description: "The metrics, without a word about any tenant.",
          content: {
            "text/plain": {
              schema: z.string(),
              examples: { runs: { value: 'task_runs{status="queued"} 3\n' } },
            },
          },
        },
      },
    },
  },
  "/openapi.json": {
    get: {
      ...common,
      operationId: "readOpenApi",
      summary: "This document",
      responses: {
        200: json("An OpenAPI 3.1 document.", JsonObject, { document: { openapi: "3.1.0" } }),
      },
    },
  },
};
