import type { ServerResponse } from "node:http";

/** The rights of pages from other origins. Source: Fetch, "CORS protocol". */
export interface Cors {
  isAllowed(origin: string | null | undefined): boolean;
  /** Lets the page read the answer, whatever it will be: a page that cannot read a 401 cannot act on it. */
  open(origin: string | undefined, outgoing: ServerResponse): void;
  /** The answer to a browser that asks before it sends a page's request; undefined for every other request. */
  preflight(request: Request): Response | undefined;
}

/** The response headers that pages may read in addition to the few that browsers always allow. */
const EXPOSED = "www-authenticate, retry-after, x-request-id";
/**
 * `*` covers every header except `authorization`. Clients in pages send headers that cannot be listed here, such as
 * `Mcp-Param-*`.
 */
const ACCEPTED = "authorization, *";
/** Browsers keep it for two hours at most. */
const MAX_AGE_SECONDS = 7_200;

export function createCors(allowedOrigins: readonly string[]): Cors {
  const isAllowed = (origin: string | null | undefined) =>
    typeof origin === "string" && allowedOrigins.includes(origin);
  return {
    isAllowed,
    open(origin, outgoing) {
      if (allowedOrigins.length === 0) return;
      outgoing.setHeader("vary", "origin");
      if (origin === undefined || !isAllowed(origin)) return;
      outgoing.setHeader("access-control-allow-origin", origin);
      outgoing.setHeader("access-control-expose-headers", EXPOSED);
    },
    preflight({ method, headers }) {
      if (method !== "OPTIONS" || !headers.has("access-control-request-method")) return undefined;
      if (!isAllowed(headers.get("origin"))) return undefined;
      return new Response(null, {
        status: 204,
        headers: {
          "access-control-allow-methods": "POST",
          "access-control-allow-headers": ACCEPTED,
          "access-control-max-age": String(MAX_AGE_SECONDS),
        },
      });
    },
  };
}
