import type { Context, Hono } from "hono";
import { z } from "zod";
import type { JsonObject } from "../../../task-api/task-spec.ts";
import { problemsOf, unprocessable } from "../api-error.ts";
import type { RequestEnv } from "../request-context.ts";

/** Values by the name that readers of the document see. */
export type Examples = Record<string, unknown>;

/**
 * The definition of one endpoint. Its route and its part of the OpenAPI document are both made from it. Errors that
 * follow from the rest are not listed, because the document derives them: 404 for a path with an id, 422 for a query,
 * 413 for a POST.
 */
export interface EndpointDefinition<
  Path extends string = string,
  Query extends z.ZodObject = z.ZodObject,
> {
  method: "GET" | "POST";
  /** The path in Hono's syntax, with `:name` for a parameter. */
  path: Path;
  /** It is also under `/v1beta`, its first path. Source: Task API, section 3 and 9.3. */
  hasBetaPath?: true;
  /** The hosted API does not have it. Source: Task API, section 3, "Absent everywhere". */
  isExtension?: true;
  summary: string;
  description?: string;
  /** Reads the query, and describes it. */
  query: Query;
  /** The body as it is documented; handlers check it themselves, to name every problem of every input. */
  body?: { schema: z.ZodType; examples: Examples };
  /** The endpoint reads `parallel-beta`. */
  readsBetas?: true;
  /** The endpoint supports `Idempotency-Key`, an extension. */
  isIdempotent?: true;
  /** The endpoint supports `Last-Event-ID`, an extension. */
  isResumable?: true;
  /** The endpoint creates runs, so it also answers 402, 403 and 429: no budget, unknown processor, quota exceeded. */
  createsRuns?: true;
  answer: Answer;
  /** Errors of its own, by status, with a message as an example. */
  errors?: Readonly<Record<number, { message: string; detail?: JsonObject }>>;
}

/** The answer to a success. */
interface Answer {
  status: 200 | 202;
  type: "application/json" | "text/event-stream" | "text/plain";
  description: string;
  /** The schema of the body. For a stream, the schema (and the examples) describe the `data` of one event. */
  schema: z.ZodType;
  examples: Examples;
}

export function json(
  description: string,
  schema: z.ZodType,
  examples: Examples,
  status: Answer["status"] = 200,
): Answer {
  return { status, type: "application/json", description, schema, examples };
}

export function stream(description: string, schema: z.ZodType, examples: Examples): Answer {
  return { status: 200, type: "text/event-stream", description, schema, examples };
}

/** Parameters that an endpoint does not know are ignored, as everywhere. */
const NoQuery = z.object({});

export function defineEndpoint<const Path extends string>(
  definition: Omit<EndpointDefinition<Path>, "query">,
): EndpointDefinition<Path, typeof NoQuery>;
export function defineEndpoint<const Path extends string, Query extends z.ZodObject>(
  definition: EndpointDefinition<Path, Query>,
): EndpointDefinition<Path, Query>;
export function defineEndpoint(
  definition: Omit<EndpointDefinition, "query"> & { query?: z.ZodObject },
): EndpointDefinition {
  return { query: NoQuery, ...definition };
}

/** Every path of an endpoint, the current one first. */
export function endpointPaths({ path, hasBetaPath }: EndpointDefinition): string[] {
  return hasBetaPath ? [path, path.replace("/v1/", "/v1beta/")] : [path];
}

/** Serves an endpoint. The handler gets the query as the definition reads it; one that does not fit is a 422. */
export function handle<Path extends string, Query extends z.ZodObject>(
  routes: Hono<RequestEnv>,
  endpoint: EndpointDefinition<Path, Query>,
  handler: (c: Context<RequestEnv, Path>, query: z.output<Query>) => Response | Promise<Response>,
): void {
  for (const path of endpointPaths(endpoint)) {
    routes.on(endpoint.method, path, (c) => {
      const query = endpoint.query.safeParse(c.req.query());
      if (!query.success) throw unprocessable(problemsOf(query.error, ["query"]));
      return handler(c, query.data);
    });
  }
}
