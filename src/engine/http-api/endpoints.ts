import type { Hono, MiddlewareHandler } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { ApiError } from "./api-error.ts";
import { type Endpoint, type ApiProfile, isInProfile } from "./profile.ts";
import type { RequestEnv } from "./request-context.ts";

/** The endpoints that callers of `profile` may use: the routes of an app, without its middlewares. */
export function readEndpoints({ routes }: Hono<RequestEnv>, profile: ApiProfile): Endpoint[] {
  return routes
    .filter(({ method }) => method !== EVERY_METHOD)
    .map(({ method, path }) => ({ method, path }))
    .filter((endpoint) => isInProfile(endpoint, profile));
}

/** The method under which Hono registers middlewares. */
const EVERY_METHOD = "ALL";

/**
 * Answers for what is no endpoint of the profile: an unknown path with 404, a known one with another method with 405,
 * and `OPTIONS` with the methods it has. Stands before authentication, because which endpoints there are is no secret.
 * `HEAD` is a `GET` whose body is not sent. Source: RFC 9110, 9.3 and 15.5.6.
 */
export function guardEndpoints(
  app: Hono<RequestEnv>,
  profile: ApiProfile,
): MiddlewareHandler<RequestEnv> {
  let router: TrieRouter<Endpoint> | undefined;
  return async (c, next) => {
    // Not earlier: the routes are registered after their guard.
    router ??= routeByPath(readEndpoints(app, profile));
    const found: Endpoint[] = [];
    for (const [endpoint] of router.match(EVERY_METHOD, c.req.path)[0]) found.push(endpoint);
    const [first] = found;
    if (first === undefined) throw new ApiError(404, "No such endpoint");
    c.set("endpoint", first.path);

    const methods = found.map(({ method }) => method);
    const allowed = [
      ...methods,
      ...(methods.includes("GET") ? ["HEAD"] : []),
      "OPTIONS",
    ].toSorted();
    const allow = allowed.join(", ");
    if (c.req.method === "OPTIONS") return c.body(null, 204, { allow });
    if (!allowed.includes(c.req.method)) {
      throw new ApiError(405, `Method Not Allowed: use one of ${allow}`, { headers: { allow } });
    }
    return next();
  };
}

function routeByPath(endpoints: readonly Endpoint[]): TrieRouter<Endpoint> {
  const router = new TrieRouter<Endpoint>();
  for (const endpoint of endpoints) router.add(EVERY_METHOD, endpoint.path, endpoint);
  return router;
}
