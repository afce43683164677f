import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from "zod-openapi";
import { z } from "zod";
import { REQUEST_ID_HEADER } from "../../../http-server/request-id.ts";
import { ErrorBody, ValidationList } from "../../../task-api/error-body.ts";
import type { JsonObject } from "../../../task-api/task-spec.ts";
import {
  type FieldProblem,
  groupNotFound,
  problemsOf,
  runNotFound,
  unprocessable as unprocessableContent,
} from "../api-error.ts";
import type { Examples } from "../endpoints/endpoint.ts";
import type { Endpoint } from "../endpoints/list-endpoints.ts";
import type { Profile } from "../profile.ts";

/** The `ref_id` of every example. */
const REF_ID = "fcb2b4f3-c75e-4186-87bc-caa1a8381331";

/** Every answer has them. */
export const COMMON_HEADERS = {
  [REQUEST_ID_HEADER]: z
    .string()
    .meta({ description: "Names the request; the `ref_id` of errors.", examples: [REF_ID] }),
};
const RETRY_AFTER = {
  "retry-after": z
    .string()
    .meta({ description: "Seconds until it is worth trying again.", examples: ["10"] }),
};
const ALLOW = {
  allow: z
    .string()
    .meta({ description: "The methods of the path.", examples: ["GET, HEAD, OPTIONS"] }),
};

export function asExamples(examples: Examples): Record<string, { value: unknown }> {
  return Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }]));
}

/** The errors of an endpoint, by status: what follows from its definition, and then those of its own. */
export function errorAnswers(endpoint: Endpoint, profile: Profile): ZodOpenApiResponsesObject {
  const { tag, method, path, answer, createsRuns, isIdempotent, errors } = endpoint;
  const isStream = answer.type === "text/event-stream";
  const isOfRun = path.includes(":run_id");
  const own = Object.fromEntries(
    Object.entries(errors ?? {}).map(([status, { message, detail }]) => [
      status,
      errorAnswer(message, { detail: detail ?? null }),
    ]),
  );
  if (tag === "operation") return own;
  return {
    401: errorAnswer("Unauthorized: invalid or missing credentials"),
    405: errorAnswer("Method Not Allowed: use one of GET, HEAD, OPTIONS", { headers: ALLOW }),
    500: errorAnswer("Internal error; the log has its cause under this ref_id"),
    503: errorAnswer("The database is locked by another program, so nothing was written.", {
      headers: RETRY_AFTER,
    }),
    ...(isOfRun && { 404: errorAnswer(runNotFound().message) }),
    ...(path.includes(":taskgroup_id") &&
      !isOfRun && { 404: errorAnswer(groupNotFound().message) }),
    ...(isIdempotent &&
      profile === "extended" && {
        409: errorAnswer("This Idempotency-Key was used with another request; use a new one"),
      }),
    ...(method === "POST" && {
      413: errorAnswer("The body is larger than 1048576 bytes; shorten it"),
      415: errorAnswer("Unsupported media type: send the body as application/json"),
    }),
    ...unprocessable(endpoint, profile),
    ...(createsRuns && {
      402: errorAnswer("Payment required: insufficient credit in account"),
      403: errorAnswer("Forbidden: invalid processor in request", {
        detail: { known_processors: ["lite", "base", "core"] },
      }),
    }),
    ...((createsRuns || isStream) && {
      429: errorAnswer("Too many requests: quota temporarily exceeded", { headers: RETRY_AFTER }),
    }),
    ...own,
  };
}

/** The 422: of a group endpoint in the hosted profile a plain list, elsewhere the body of every error. */
function unprocessable(endpoint: Endpoint, profile: Profile): ZodOpenApiResponsesObject {
  const problem = exampleProblem(endpoint);
  if (problem === undefined) return {};
  if (profile === "hosted" && endpoint.tag === "groups") {
    const description = `${problem.loc.join(".")}: ${problem.msg}`;
    return { 422: json(description, ValidationList, { problems: { detail: [problem] } }) };
  }
  const { message, detail } = unprocessableContent([problem]);
  return { 422: errorAnswer(message, { detail }) };
}

/**
 * The problem that the endpoint reports for an invalid request; undefined for an endpoint without query, body or header
 * to validate.
 */
function exampleProblem({
  query,
  body,
  isIdempotent,
  isResumable,
}: Endpoint): FieldProblem | undefined {
  const [wrongBody] = [{}, { "?": 1 }].flatMap((value) => problemsIn(body?.schema, value, "body"));
  const [wrongQuery] = Object.keys(query.shape).flatMap((name) =>
    problemsIn(query, { [name]: "?" }, "query"),
  );
  const header = (name: string, msg: string) => ({
    type: "header_invalid",
    loc: ["header", name],
    msg,
  });
  return (
    wrongBody ??
    wrongQuery ??
    (isIdempotent && header("idempotency-key", "use 1 to 255 characters")) ??
    (isResumable && header("last-event-id", "use the id of an event of this run's stream"))
  );
}

function problemsIn(schema: z.ZodType | undefined, value: unknown, where: string): FieldProblem[] {
  const error = schema?.safeParse(value).error;
  return error === undefined ? [] : problemsOf(error, [where]);
}

function errorAnswer(
  message: string,
  {
    detail = null,
    headers = {},
  }: { detail?: JsonObject | null; headers?: Record<string, z.ZodType> } = {},
): ZodOpenApiResponseObject {
  const example = { type: "error", error: { ref_id: REF_ID, message, detail } };
  return json(message, ErrorBody, { error: example }, headers);
}

function json(
  description: string,
  schema: z.ZodType,
  examples: Examples,
  headers: Record<string, z.ZodType> = {},
): ZodOpenApiResponseObject {
  return {
    description,
    headers: z.object({ ...COMMON_HEADERS, ...headers }),
    content: { "application/json": { schema, examples: asExamples(examples) } },
  };
}
