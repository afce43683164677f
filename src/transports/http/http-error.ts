/** An error response to a request that does not reach MCP. The message says what is wrong and what to do. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly code: number;
  readonly id: string | number | null;

  constructor(
    status: number,
    message: string,
    { headers = {}, code = -32_000, id = null, cause }: HttpErrorDetails = {},
  ) {
    super(message, { cause });
    this.status = status;
    this.headers = headers;
    this.code = code;
    this.id = id;
  }
}

interface HttpErrorDetails {
  headers?: Record<string, string>;
  /** The JSON-RPC error code; by default one of those reserved for servers. */
  code?: number;
  /** The id of the rejected request, if it could be read. */
  id?: string | number | null;
  cause?: unknown;
}

/** Converts the error to a JSON-RPC error, the form that MCP clients expect over HTTP. */
export function toJsonRpcError({ message, code, id }: HttpError) {
  return { jsonrpc: "2.0", error: { code, message }, id };
}

export function toResponse(error: HttpError): Response {
  const { status, headers } = error;
  return Response.json(toJsonRpcError(error), { status, headers });
}

/** The URL at which a client learns how to get a token, and the scope it should request. */
export interface Challenge {
  /** RFC 9728; undefined without OAuth. */
  resourceMetadataUrl: string | undefined;
  scopes: readonly string[];
}

/** 401. Without a token no error is named (RFC 6750, section 3.1). Source: MCP Authorization. */
export function unauthorized(challenge: Challenge, problem?: string): HttpError {
  return new HttpError(
    401,
    problem ?? "This server needs a token: send it as Authorization: Bearer <token>.",
    { headers: challengeHeaders(challenge, problem && { error: "invalid_token", problem }) },
  );
}

/** 403 for a token that may not do this; the client may ask its user for more (MCP: "Scope Challenge Handling"). */
export function insufficientScope(challenge: Challenge): HttpError {
  const problem = `This needs the scopes ${challenge.scopes.join(" and ")}`;
  return new HttpError(403, `${problem}; the token does not have them.`, {
    headers: challengeHeaders(challenge, { error: "insufficient_scope", problem }),
  });
}

function challengeHeaders(
  { resourceMetadataUrl, scopes }: Challenge,
  failure: { error: string; problem: string } | undefined | "",
): Record<string, string> {
  const parameters = [
    failure && `error="${failure.error}"`,
    failure && `error_description="${failure.problem.replaceAll(/[^ !#-[\]-~]/g, "")}"`,
    `scope="${scopes.join(" ")}"`,
    resourceMetadataUrl && `resource_metadata="${resourceMetadataUrl}"`,
  ];
  return { "www-authenticate": `Bearer ${parameters.filter(Boolean).join(", ")}` };
}

export function rateLimited(message: string, retryAfterSeconds: number): HttpError {
  return new HttpError(429, message, { headers: { "retry-after": String(retryAfterSeconds) } });
}
