import type { MiddlewareHandler } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { ApiError } from "./api-error.ts";
import { endpointPaths } from "./endpoints/endpoint.ts";
import { listEndpoints } from "./endpoints/list-endpoints.ts";
import type { Profile } from "./profile.ts";
import type { RequestEnv } from "./request-context.ts";

interface MethodOfPath {
  method: string;
  path: string;
}

/** The method under which Hono registers what is for all of them. */
const EVERY_METHOD = "ALL";

/**
 * Answers for what is no endpoint of the profile: an unknown path with 404, a known one with another method with 405,
 * and `OPTIONS` with the methods it has. Stands before authentication, because which endpoints there are is no secret.
 * `HEAD` is a `GET` whose body is not sent. Source: RFC 9110, 9.3 and 15.5.6.
 */
export function guardEndpoints(profile: Profile): MiddlewareHandler<RequestEnv> {
  const router = new TrieRouter<MethodOfPath>();
  for (const endpoint of listEndpoints(profile)) {
    const { method } = endpoint;
    for (const path of endpointPaths(endpoint)) router.add(EVERY_METHOD, path, { method, path });
  }
  return async (c, next) => {
    const found = router.match(EVERY_METHOD, c.req.path)[0].map(([endpoint]) => endpoint);
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
