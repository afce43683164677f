import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from "zod-openapi";
import { z } from "zod";
import { REQUEST_ID_HEADER } from "../../../http-server/request-id.ts";

/** The `ref_id` of every example. */
export const REF_ID = "fcb2b4f3-c75e-4186-87bc-caa1a8381331";

/** Headers by name. */
export type HeaderFields = Record<string, z.ZodType>;

const headersOfAll: HeaderFields = {
  [REQUEST_ID_HEADER]: z
    .string()
    .meta({ description: "Names the request; the `ref_id` of errors.", examples: [REF_ID] }),
};

/** Values by the name that readers see. */
export type Examples = Record<string, unknown>;

/** A JSON answer. */
export function json(
  description: string,
  schema: z.ZodType,
  examples: Examples,
  headers: HeaderFields = {},
): ZodOpenApiResponseObject {
  return {
    description,
    headers: z.object({ ...headersOfAll, ...headers }),
    content: { "application/json": { schema, examples: wrap(examples) } },
  };
}

/** A stream of server-sent events; schema and examples are those of the `data` of one event. */
export function eventStream(
  description: string,
  schema: z.ZodType,
  examples: Examples,
): ZodOpenApiResponseObject {
  return {
    description: `${description} The schema is that of the \`data\` of each event; \`event\` is its \`type\`.`,
    headers: z.object(headersOfAll),
    content: { "text/event-stream": { schema, examples: wrap(examples) } },
  };
}

/** A JSON body that must be sent. */
export function body(schema: z.ZodType, examples: Examples) {
  return {
    required: true,
    content: { "application/json": { schema, examples: wrap(examples) } },
  };
}

function wrap(examples: Examples): Record<string, { value: unknown }> {
  return Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }]));
}

/** Answers by status; of two for the same status the later one holds. */
export function answers(...parts: ZodOpenApiResponsesObject[]): ZodOpenApiResponsesObject {
  const all: ZodOpenApiResponsesObject = {};
  for (const part of parts) Object.assign(all, part);
  return all;
}
