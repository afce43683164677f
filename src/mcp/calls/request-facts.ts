import type { AuthInfo } from "@modelcontextprotocol/server";
import { z } from "zod";
import { type TraceHeaders, readTrace } from "../../client/http/trace-context.ts";

/** Who makes a call, as the transport found out. */
export interface Caller {
  /** Null where callers are not told apart: over stdio, and over HTTP without authentication. */
  principal: string | null;
  /** The caller's own key for the backend; null: the server's own is used. Never the token that let the caller in. */
  apiKey: string | null;
}

/** What a transport tells of a request in `authInfo.extra`. */
const AuthExtra = z.object({
  principal: z.string().nullable().default(null),
  apiKey: z.string().nullable().default(null),
  /** What the principal may spend in a UTC day, in US dollars. */
  budgetUsdPerDay: z.number().optional(),
  requestId: z.string().optional(),
  /** The headers of W3C Trace Context and Baggage. */
  trace: z.record(z.string(), z.unknown()).optional(),
  calledTool: z.string().optional(),
});

export interface RequestFacts {
  caller: Caller;
  ownBudgetUsdPerDay: number | undefined;
  requestId: string | undefined;
  /** The trace of the HTTP request; a call's own, in its `_meta`, says it better. */
  httpTrace: TraceHeaders;
  /** The tool that the request calls, and nothing else; undefined for other requests, and where there are several. */
  calledTool: string | undefined;
  /** The caller may start, change and spend. */
  mayWrite: boolean;
}

/** The scopes of this server: what a token may be good for. */
export const READ_SCOPE = "runs:read";
export const WRITE_SCOPE = "runs:write";

/** What the transport knows of a request; over stdio it knows nothing, and the caller is the user. */
export function readRequestFacts(authInfo: AuthInfo | undefined): RequestFacts {
  const { principal, apiKey, budgetUsdPerDay, requestId, trace, calledTool } = AuthExtra.parse(
    authInfo?.extra ?? {},
  );
  return {
    caller: { principal, apiKey },
    ownBudgetUsdPerDay: budgetUsdPerDay,
    requestId,
    httpTrace: readTrace(trace),
    calledTool,
    mayWrite: authInfo === undefined || authInfo.scopes.includes(WRITE_SCOPE),
  };
}
