import { createHash } from "node:crypto";
import { type JWTPayload, createRemoteJWKSet, customFetch, errors, jwtVerify } from "jose";
import {
  type Authenticate,
  AuthenticationUnavailable,
  type AuthenticatedPrincipal,
  TokenRefused,
} from "./principal.ts";

export interface OAuthOptions {
  /** The issuer exactly as the tokens write it. */
  issuer: string;
  /** The URL of this server. Tokens must name it as their audience (RFC 8707). */
  audience: string;
  /** The limits of every principal. */
  limits: Pick<AuthenticatedPrincipal, "requestsPerMinute" | "budgetUsdPerDay">;
  /** Epoch milliseconds. */
  now: () => number;
  /** How the issuer is reached. */
  fetch: (
    url: string,
    init?: { signal?: AbortSignal; redirect?: "follow" | "manual" },
  ) => Promise<Response>;
}

/** Signatures that only the holder of a private key can make; a shared secret, or none, is not among them. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
/** Clocks of two machines differ by this much at most. */
const CLOCK_TOLERANCE_SECONDS = 30;
const ANSWER_MS = 5_000;
/** Keys are read again after this time, and at once for a key that is not known, but not more often than the second. */
const KEYS_MAX_AGE_MS = 600_000;
const KEYS_COOLDOWN_MS = 30_000;
/** A token that was checked is good for this long: an agent sends the same one with every call. */
const CHECKED_MS = 60_000;
const CHECKED_TOKENS = 10_000;

/**
 * Authenticates by JWTs that the issuer signed for this server: issuer, audience, expiry and signature are
 * checked, with keys from the issuer's JWKS. Source: MCP Authorization ("Token Handling"), RFC 9068, RFC 8414.
 */
export function createOAuth({ issuer, audience, limits, now, fetch }: OAuthOptions): Authenticate {
  let keys: Promise<ReturnType<typeof createRemoteJWKSet>> | undefined;
  const checked = new Map<
    string,
    { principal: AuthenticatedPrincipal; checkedMs: number; expiresMs: number }
  >();

  function openKeys() {
    keys ??= findJwksUrl(issuer, fetch).then(
      (url) =>
        createRemoteJWKSet(url, {
          cacheMaxAge: KEYS_MAX_AGE_MS,
          cooldownDuration: KEYS_COOLDOWN_MS,
          timeoutDuration: ANSWER_MS,
          [customFetch]: fetch,
        }),
      (error: unknown) => {
        keys = undefined;
        throw error;
      },
    );
    return keys;
  }

  return async (token) => {
    const hash = createHash("sha256").update(token).digest("base64");
    const known = checked.get(hash);
    // The absolute difference also expires entries after the clock was set back.
    const isFresh = (checkedMs: number) => Math.abs(now() - checkedMs) < CHECKED_MS;
    if (known !== undefined && known.expiresMs > now() && isFresh(known.checkedMs)) {
      return known.principal;
    }
    checked.delete(hash);
    const payload = await verify(token);
    const principal = { id: principalId(payload), scopes: scopesOf(payload), ...limits };
    const expiresMs = (payload.exp ?? 0) * 1_000;
    checked.set(hash, { principal, checkedMs: now(), expiresMs });
    if (checked.size > CHECKED_TOKENS) checked.delete([...checked.keys()][0] ?? "");
    return principal;
  };

  async function verify(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, await openKeys(), {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(now()),
        requiredClaims: ["exp"],
      });
      return payload;
    } catch (error) {
      throw explain(error);
    }
  }
}

function explain(error: unknown): Error {
  if (error instanceof AuthenticationUnavailable) return error;
  if (error instanceof errors.JWTExpired) return new TokenRefused("The token has expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new TokenRefused(`The token is not meant for this server: its ${error.claim} is wrong`);
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return new TokenRefused("The token is signed with a key that the issuer does not have");
  }
  if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) {
    return new AuthenticationUnavailable("The issuer's keys cannot be read", { cause: error });
  }
  return new TokenRefused("The token is not a JWT of the issuer");
}

/** Apart from the names of static tokens, which have no colon. */
function principalId({ sub, client_id: clientId }: JWTPayload): string {
  const id = sub ?? clientId;
  if (typeof id === "string" && id !== "") return `oauth:${id}`;
  throw new TokenRefused("The token names no principal: it has neither sub nor client_id");
}

/** `scope` by RFC 9068; some issuers write `scp`. */
function scopesOf({ scope, scp }: JWTPayload): string[] {
  const given = scope ?? scp;
  if (typeof given === "string") return given.split(" ");
  return Array.isArray(given) ? given.filter((one) => typeof one === "string") : [];
}

/** Source: RFC 8414, section 3, and OpenID Connect Discovery, section 4. */
async function findJwksUrl(issuer: string, fetch: OAuthOptions["fetch"]): Promise<URL> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  let cause: unknown;
  for (const place of new Set(places)) {
    try {
      const response = await fetch(place, { signal: AbortSignal.timeout(ANSWER_MS) });
      if (!response.ok) throw new Error(`${place} answered ${response.status}`);
      return readJwksUrl(await response.json(), issuer);
    } catch (error) {
      cause = error;
    }
  }
  throw new AuthenticationUnavailable("The issuer's metadata cannot be read", { cause });
}

function readJwksUrl(metadata: unknown, issuer: string): URL {
  if (typeof metadata !== "object" || metadata === null) throw new Error("Metadata is no object");
  // Metadata of another issuer would lead to that issuer's keys (RFC 8414, section 3.3).
  if (!("issuer" in metadata) || metadata.issuer !== issuer) {
    throw new Error("The metadata names another issuer");
  }
  if (!("jwks_uri" in metadata) || typeof metadata.jwks_uri !== "string") {
    throw new Error("The metadata has no jwks_uri");
  }
  return new URL(metadata.jwks_uri);
}
