import {
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  createDocument,
  type oas31,
} from "zod-openapi";
import { z } from "zod";
import { JsonObject } from "../../../task-api/task-spec.ts";
import { endpointPaths } from "../endpoints/endpoint.ts";
import { ids } from "../endpoints/examples.ts";
import { type Endpoint, listEndpoints } from "../endpoints/list-endpoints.ts";
import { components } from "../endpoints/written-schemas.ts";
import type { Profile } from "../profile.ts";
import { COMMON_HEADERS, asExamples, errorAnswers } from "./error-answers.ts";

const DESCRIPTION = `
The Task API, served by task-run-mcp. An error has the same body everywhere, and its \`ref_id\` is in the log of the
engine and in the header \`x-request-id\`. Before a request reaches an endpoint, the server may answer 400 (malformed
HTTP), 408 (not sent in time) or 431 (headers too large) in the same form. \`HEAD\` is answered like \`GET\`, without a
body; \`OPTIONS\` with the methods of a path in \`Allow\`.
`.trim();

/** The document of what callers of `profile` may use, made from the definitions that the routes are made from. */
export function createOpenApiDocument(profile: Profile): JsonObject {
  const document = createDocument(
    {
      openapi: "3.1.0",
      // The version of the API, as in the hosted API's own document.
      info: { title: "Task API", version: "0.1.2", description: DESCRIPTION },
      tags: [{ name: "runs" }, { name: "groups" }, { name: "operation" }],
      security: [{ apiKey: [] }],
      paths: describePaths(profile),
      components: {
        schemas: components,
        securitySchemes: {
          apiKey: {
            type: "apiKey",
            in: "header",
            name: "x-api-key",
            description: "Not looked at by an engine that was started without keys.",
          },
        },
      },
    },
    { outputIdSuffix: SERVED_SUFFIX },
  );
  return tidyComponents(document);
}

function describePaths(profile: Profile): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {};
  for (const endpoint of listEndpoints(profile)) {
    const operation = describeOperation(endpoint, profile);
    for (const [index, path] of endpointPaths(endpoint).entries()) {
      const isFirst = index === 0;
      const { name } = endpoint;
      const described = isFirst
        ? operation
        : { ...operation, operationId: `${name}Beta`, deprecated: true };
      const template = path.replaceAll(/:(\w+)/g, "{$1}");
      paths[template] = { ...paths[template], [endpoint.method.toLowerCase()]: described };
    }
  }
  return paths;
}

function describeOperation(endpoint: Endpoint, profile: Profile): ZodOpenApiOperationObject {
  const { name: operationId, tag, summary, description, query, body, answer } = endpoint;
  const path = Object.fromEntries(
    [...endpoint.path.matchAll(/:(\w+)/g)].map(([, id = ""]) => [
      id,
      z.string().meta({ examples: [ids[id]] }),
    ]),
  );
  const headers = describeHeaders(endpoint, profile);
  const isStream = answer.type === "text/event-stream";
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(tag === "operation" && { security: [] }),
    requestParams: { path: z.object(path), query, header: z.object(headers) },
    ...(body && {
      requestBody: {
        required: true,
        content: {
          "application/json": { schema: body.schema, examples: asExamples(body.examples) },
        },
      },
    }),
    responses: {
      ...errorAnswers(endpoint, profile),
      [answer.status]: {
        description: isStream
          ? `${answer.description} The schema is that of the \`data\` of each event; \`event\` is its \`type\`.`
          : answer.description,
        headers: z.object(COMMON_HEADERS),
        content: {
          [answer.type]: { schema: answer.schema, examples: asExamples(answer.examples) },
        },
      },
      ...(endpoint.isResumable &&
        profile === "extended" && {
          204: { description: "Nothing follows the event in `Last-Event-ID`." },
        }),
    },
  };
}

function describeHeaders(
  { readsBetas, isIdempotent, isResumable }: Endpoint,
  profile: Profile,
): Record<string, z.ZodType> {
  const isExtended = profile === "extended";
  return {
    ...(readsBetas && { "parallel-beta": BETAS }),
    ...(isIdempotent && isExtended && { "Idempotency-Key": IDEMPOTENCY_KEY }),
    ...(isResumable && isExtended && { "Last-Event-ID": LAST_EVENT_ID }),
  };
}

const BETAS = z
  .string()
  .optional()
  .meta({
    description:
      "Beta features, with commas between them. An engine that was told to require them asks for `mcp-server-2025-07-17` with `mcp_servers`, `events-sse-2025-07-24` with `enable_events`, and `webhook-2025-08-12` with `webhook`.",
    examples: ["mcp-server-2025-07-17,webhook-2025-08-12"],
  });

const IDEMPOTENCY_KEY = z
  .string()
  .min(1)
  .max(255)
  .optional()
  .meta({
    description:
      "Extension. The same request with the same key within 24 hours gets the same answer and changes nothing.",
    examples: ["6f1d3b1e-import-2026-04-23"],
  });

const LAST_EVENT_ID = z
  .string()
  .optional()
  .meta({
    description: "Extension. The `id` of the last event seen; the stream continues after it.",
    examples: ["7"],
  });

/** Ends the names of schemas as they are served, where a request may leave out what an answer always has. */
export const SERVED_SUFFIX = "-served";

/** Leaves out the schemas that no endpoint uses; those that are only ever served have their plain names. */
export function tidyComponents(document: oas31.OpenAPIObject): JsonObject {
  const schemas = document.components?.schemas ?? {};
  const used = new Set<string>();
  const collect = (part: unknown) => {
    for (const [, name = ""] of JSON.stringify(part).matchAll(REFERENCE)) {
      if (used.has(name)) continue;
      used.add(name);
      collect(schemas[name]);
    }
  };
  collect(document.paths);

  const plainName = (name: string) => {
    const plain = name.replace(SERVED_SUFFIX, "");
    return used.has(plain) ? name : plain;
  };
  const kept = Object.fromEntries(
    [...used].toSorted().map((name) => [plainName(name), schemas[name] ?? {}]),
  );
  const text = JSON.stringify({
    ...document,
    components: { ...document.components, schemas: kept },
  });
  return JsonObject.parse(
    JSON.parse(text.replaceAll(REFERENCE, (_, name: string) => toReference(plainName(name)))),
  );
}

const toReference = (name: string) => `"#/components/schemas/${name}"`;
const REFERENCE = /"#\/components\/schemas\/([\w-]+)"/g;
