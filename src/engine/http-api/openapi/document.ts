import { createDocument } from "zod-openapi";
import type { ZodOpenApiPathsObject } from "zod-openapi";
import { RunStatus, TaskRun } from "../../../task-api/run.ts";
import type { JsonObject } from "../../../task-api/task-spec.ts";
import { type ApiProfile, isInProfile } from "../profile.ts";
import { groupPaths } from "./group-operations.ts";
import { operatorPaths } from "./operator-operations.ts";
import { runPaths } from "./run-operations.ts";
import { components } from "./schemas.ts";
import { SERVED_SUFFIX, tidyComponents } from "./tidy-components.ts";

const DESCRIPTION = `
The Task API, served by task-run-mcp. An error has the same body everywhere, and its \`ref_id\` is in the log of the
engine and in the header \`x-request-id\`. Before a request reaches an endpoint, the server may answer 400 (not HTTP),
408 (not sent in time) or 431 (headers too large) in the same form. \`HEAD\` is answered like \`GET\`, without a body;
\`OPTIONS\` with the methods of a path in \`Allow\`.
`.trim();

/** The document of what callers of `profile` may use, made from the schemas that the engine itself parses with. */
export function createOpenApiDocument(profile: ApiProfile): JsonObject {
  const document = createDocument(
    {
      openapi: "3.1.0",
      // The version of the API, as in the hosted API's own document.
      info: { title: "Task API", version: "0.1.2", description: DESCRIPTION },
      tags: [{ name: "runs" }, { name: "groups" }, { name: "operation" }],
      security: [{ apiKey: [] }],
      paths: ofProfile({ ...runPaths(profile), ...groupPaths(profile), ...operatorPaths }, profile),
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
    {
      outputIdSuffix: SERVED_SUFFIX,
      override({ zodSchema, jsonSchema }) {
        // The contract reads a status leniently, as clients must; what is served is one of these.
        if (zodSchema === TaskRun.shape.status) jsonSchema.enum = RunStatus.options;
      },
    },
  );
  return tidyComponents(document);
}

function ofProfile(paths: ZodOpenApiPathsObject, profile: ApiProfile): ZodOpenApiPathsObject {
  const known: ZodOpenApiPathsObject = {};
  for (const [path, operations] of Object.entries(paths)) {
    const shown = Object.entries(operations).filter(([method]) =>
      isInProfile(
        { method: method.toUpperCase(), path: path.replaceAll(/\{(\w+)\}/g, ":$1") },
        profile,
      ),
    );
    if (shown.length > 0) known[path] = Object.fromEntries(shown);
  }
  return known;
}
