/** The one that calls the bridge. */
export interface Principal {
  /** Null if there is only one principal: over stdio, and over HTTP without authentication. */
  id: string | null;
  /** The principal's own key for the backend; null: the server's own is used. Never the token of the request. */
  apiKey: string | null;
}

/** The facts of a request that the transport knows. */
export interface RequestFacts {
  principal: Principal;
  /** The principal's budget for a UTC day, in US dollars; undefined: no limit of its own. */
  budgetUsdPerDay: number | undefined;
  requestId: string | undefined;
  /** The headers of W3C Trace Context and Baggage, unchecked; a call's own, in its `_meta`, win over them. */
  trace: Record<string, string | null> | undefined;
  /** The tool that the request calls, and nothing else; undefined for other requests, and where there are several. */
  calledTool: string | undefined;
  /** The principal may start, change and spend. */
  mayWrite: boolean;
}

/** The scopes of this server: what a token may be good for. */
export const READ_SCOPE = "runs:read";
export const WRITE_SCOPE = "runs:write";

/** The part of the SDK's `AuthInfo` that is read here. The SDK hands the same object on to every handler. */
interface ScopedRequest {
  scopes: string[];
}

const factsByRequest = new WeakMap<ScopedRequest, RequestFacts>();

/** The facts without `AuthInfo`, over stdio: the principal is the user and has all rights. */
const STDIO_FACTS: RequestFacts = {
  principal: { id: null, apiKey: null },
  budgetUsdPerDay: undefined,
  requestId: undefined,
  trace: undefined,
  calledTool: undefined,
  mayWrite: true,
};

/** Lets the handlers of a request read `facts`, by the `AuthInfo` that they get with it. */
export function attachRequestFacts(
  authInfo: ScopedRequest,
  facts: Omit<RequestFacts, "mayWrite">,
): void {
  const mayWrite = authInfo.scopes.includes(WRITE_SCOPE);
  factsByRequest.set(authInfo, { ...facts, mayWrite });
}

/**
 * The facts of a request. Throws for an `AuthInfo` without facts, because the owner of the visible runs is then
 * unknown.
 */
export function requestFactsOf(authInfo: ScopedRequest | undefined): RequestFacts {
  if (authInfo === undefined) return STDIO_FACTS;
  const facts = factsByRequest.get(authInfo);
  if (facts === undefined) throw new Error("A transport attached no facts to its AuthInfo");
  return facts;
}
