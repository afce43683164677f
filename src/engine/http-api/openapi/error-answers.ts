import type { ZodOpenApiResponsesObject } from "zod-openapi";
import { z } from "zod";
import { ErrorBody, ValidationList } from "../../../task-api/error-body.ts";
import type { JsonObject } from "../../../task-api/task-spec.ts";
import type { ApiProfile } from "../profile.ts";
import { type HeaderFields, REF_ID, json } from "./answers.ts";

const retryAfter = z
  .string()
  .meta({ description: "Seconds until it is worth trying again.", examples: ["10"] });
const allow = z
  .string()
  .meta({ description: "The methods of the path.", examples: ["GET, HEAD, OPTIONS"] });

function error(
  message: string,
  { detail = null, headers = {} }: { detail?: JsonObject | null; headers?: HeaderFields } = {},
) {
  const example = { type: "error", error: { ref_id: REF_ID, message, detail } };
  return json(message, ErrorBody, { error: example }, headers);
}

/** What every endpoint of the API may answer. */
const everywhere: ZodOpenApiResponsesObject = {
  401: error("Unauthorized: invalid or missing credentials"),
  405: error("Method Not Allowed: use one of GET, HEAD, OPTIONS", { headers: { allow } }),
  500: error("Internal error; the log has its cause under this ref_id"),
  503: error("The database is locked by another program, so nothing was written.", {
    headers: { "retry-after": retryAfter },
  }),
};

const tooManyRequests = error("Too many requests: quota temporarily exceeded", {
  headers: { "retry-after": retryAfter },
});

function unprocessable(loc: (string | number)[], msg: string) {
  const message = `Unprocessable content: request validation error: ${loc.join(".")}: ${msg}`;
  return error(message, { detail: { errors: [{ type: "invalid", loc, msg }] } });
}

/** The 422 of a group endpoint in the hosted profile, a list; in ours it is the body of every error. */
export function groupProblems(
  profile: ApiProfile,
  loc: (string | number)[],
  msg: string,
): ZodOpenApiResponsesObject {
  const example = { detail: [{ type: "invalid", loc, msg }] };
  return profile === "hosted"
    ? { 422: json(`${loc.join(".")}: ${msg}`, ValidationList, { problems: example }) }
    : {};
}

export const runNotFound: ZodOpenApiResponsesObject = { 404: error("Run id not found") };
export const groupNotFound: ZodOpenApiResponsesObject = { 404: error("TaskGroup not found") };

/** Of an endpoint that reads. */
export const readErrors: ZodOpenApiResponsesObject = { ...everywhere };

/** Of an endpoint that reads with parameters. */
export const queryErrors: ZodOpenApiResponsesObject = {
  ...everywhere,
  422: unprocessable(["query", "timeout"], "timeout is a whole number of seconds, 0 to 3600"),
};

/** Of an endpoint that streams: a tenant may have so many streams open. */
export const streamErrors: ZodOpenApiResponsesObject = {
  ...everywhere,
  422: unprocessable(["header", "last-event-id"], "use the id of an event of this run's stream"),
  429: tooManyRequests,
};

/** Of an endpoint that changes something. */
export function writeErrors(profile: ApiProfile): ZodOpenApiResponsesObject {
  return {
    ...everywhere,
    ...(profile === "extended" && {
      409: error("This Idempotency-Key was used with another request; use a new one"),
    }),
    413: error("The body is larger than 1048576 bytes; shorten it"),
    415: error("Unsupported media type: send the body as application/json"),
    422: unprocessable(
      ["body", "input"],
      "input is required: a question as a string, or an object",
    ),
  };
}

/** Of an endpoint that creates runs. */
export function createErrors(profile: ApiProfile): ZodOpenApiResponsesObject {
  return {
    ...writeErrors(profile),
    402: error("Payment required: insufficient credit in account"),
    403: error("Forbidden: invalid processor in request", {
      detail: { known_processors: ["lite", "base", "core"] },
    }),
    429: tooManyRequests,
  };
}

export const resultErrors: ZodOpenApiResponsesObject = {
  ...queryErrors,
  404: error("Run failed or run id not found"),
  408: error("Request timed out; run still active"),
};

export const nothingToCancel: ZodOpenApiResponsesObject = {
  409: error("Run is already completed; there is nothing to cancel", {
    detail: { status: "completed" },
  }),
};

export const databaseSilent: ZodOpenApiResponsesObject = {
  503: error("The database does not answer; the log has the cause"),
};
