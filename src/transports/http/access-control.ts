import {
  type AuthInfo,
  getOAuthProtectedResourceMetadataUrl,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  originValidationResponse,
} from "@modelcontextprotocol/server";
import { attachRequestFacts } from "../../runtime/request-facts.ts";
import type { Cors } from "./cors.ts";
import type { HttpMetrics } from "./metrics.ts";
import {
  type Authenticate,
  AuthenticationUnavailable,
  type AuthenticatedPrincipal,
  TokenRefused,
} from "./principal.ts";
import { type Challenge, HttpError, insufficientScope, unauthorized } from "./http-error.ts";

/** The settings that decide about access. */
export interface AccessOptions {
  /** Host names besides the loopback ones by which this server is called. */
  allowedHosts: readonly string[];
  /** Origins of web pages that may call this server, as browsers send them. */
  allowedOrigins: readonly string[];
  /** Ways to recognise a token, in the order they are tried. None: whatever reaches the port may do everything. */
  authenticators: readonly Authenticate[];
  /** The URL of this server and the issuer of its tokens, when OAuth is used. */
  oauth: { resource: string; issuer: string } | undefined;
  /** Every scope there is. */
  scopes: readonly string[];
  /** The scopes that a body of JSON-RPC needs. */
  requiredScopes: (body: unknown) => string[];
  /** Callers may send their own key for the backend in {@link KEY_HEADER}. */
  allowKeyHeader: boolean;
}

/** Carries the principal's own key for the backend. */
const KEY_HEADER = "x-parallel-api-key";
/** RFC 6750, section 2.1: the scheme in any case, then a token of these characters. */
const BEARER = /^Bearer +([\w.~+/-]+=*) *$/i;

export interface IncomingMessageFacts {
  requestId: string;
  body: unknown;
}

/** Authenticates and authorizes requests. Every method throws a {@link HttpError}. */
export interface AccessControl {
  /** Rejects requests that a web page made a browser send (MCP: Streamable HTTP, "Security Warning"). */
  checkHost(request: Request): Response | undefined;
  /** Null when authentication is off. */
  identify(request: Request): Promise<AuthenticatedPrincipal | null>;
  checkScopes(principal: AuthenticatedPrincipal | null, body: unknown): void;
  /** The principal as MCP handlers see it. The token is left out, so that no handler can pass it on. */
  authInfo(
    request: Request,
    principal: AuthenticatedPrincipal | null,
    message: IncomingMessageFacts,
  ): AuthInfo;
}

export function createAccessControl(
  options: AccessOptions,
  cors: Cors,
  metrics: HttpMetrics,
): AccessControl {
  const { authenticators, oauth, scopes, requiredScopes, allowKeyHeader } = options;
  const hosts = [...localhostAllowedHostnames(), ...options.allowedHosts];
  const resourceMetadataUrl =
    oauth && getOAuthProtectedResourceMetadataUrl(new URL(oauth.resource));
  const challenge = (needed: readonly string[]): Challenge => ({
    resourceMetadataUrl,
    scopes: needed,
  });

  async function authenticate(token: string): Promise<AuthenticatedPrincipal> {
    let refused: TokenRefused | undefined;
    for (const one of authenticators) {
      try {
        return await one(token);
      } catch (error) {
        if (error instanceof AuthenticationUnavailable) throw unavailable(error);
        if (!(error instanceof TokenRefused)) throw error;
        refused = error;
      }
    }
    metrics.countAuthFailure("refused");
    throw unauthorized(challenge(scopes), refused?.message);
  }

  return {
    checkHost: (request) =>
      hostHeaderValidationResponse(request, hosts) ??
      (cors.isAllowed(request.headers.get("origin"))
        ? undefined
        : originValidationResponse(request, hosts)),

    async identify(request) {
      if (authenticators.length === 0) return null;
      const header = request.headers.get("authorization");
      if (header === null) {
        metrics.countAuthFailure("missing");
        throw unauthorized(challenge(scopes));
      }
      const token = BEARER.exec(header)?.[1];
      if (token === undefined) {
        metrics.countAuthFailure("refused");
        throw unauthorized(challenge(scopes), "The Authorization header is not Bearer <token>");
      }
      return authenticate(token);
    },

    checkScopes(principal, body) {
      if (principal === null) return;
      const needed = requiredScopes(body);
      if (needed.every((scope) => principal.scopes.includes(scope))) return;
      metrics.countAuthFailure("scope");
      throw insufficientScope(challenge(needed));
    },

    authInfo(request, principal, { requestId, body }) {
      const apiKey = request.headers.get(KEY_HEADER);
      if (apiKey !== null && !allowKeyHeader) {
        throw new HttpError(
          400,
          `${KEY_HEADER} is not accepted here: the operator turns it on with --allow-key-header. Leave it out.`,
        );
      }
      const authInfo: AuthInfo = {
        token: "",
        clientId: principal?.id ?? "",
        scopes: [...(principal?.scopes ?? scopes)],
      };
      attachRequestFacts(authInfo, {
        principal: { id: principal?.id ?? null, apiKey },
        budgetUsdPerDay: principal?.budgetUsdPerDay,
        requestId,
        trace: traceOf(request.headers),
        calledTool: calledTool(body),
      });
      return authInfo;
    },
  };
}

/** The trace headers of the request (W3C Trace Context, W3C Baggage). */
function traceOf(headers: Headers): Record<string, string | null> | undefined {
  const traceparent = headers.get("traceparent");
  if (traceparent === null) return undefined;
  return { traceparent, tracestate: headers.get("tracestate"), baggage: headers.get("baggage") };
}

/** The tool that the one message of a body calls; undefined for all others. */
function calledTool(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  if (!("method" in body) || body.method !== "tools/call" || !("params" in body)) return undefined;
  const { params } = body;
  if (typeof params !== "object" || params === null || !("name" in params)) return undefined;
  return typeof params.name === "string" ? params.name : undefined;
}

/** Not 401, because a client would then discard a valid token. */
function unavailable(cause: AuthenticationUnavailable): HttpError {
  return new HttpError(503, `${cause.message}; try again in a moment.`, {
    headers: { "retry-after": "5" },
    cause,
  });
}
