/** A principal that was authenticated, with its rights and limits. */
export interface AuthenticatedPrincipal {
  /** Identifies the principal, also after a restart; written to logs. */
  id: string;
  scopes: readonly string[];
  requestsPerMinute: number;
  /** US dollars in a UTC day; undefined: no limit of its own. */
  budgetUsdPerDay: number | undefined;
}

/** Finds the principal of a token. Throws {@link TokenRefused} and {@link AuthenticationUnavailable}. */
export type Authenticate = (token: string) => Promise<AuthenticatedPrincipal>;

/** The token is not accepted. The message explains why to the client and does not repeat the token. */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
}

/** The token cannot be checked now: the authorization server does not answer. */
export class AuthenticationUnavailable extends Error {
  override readonly name = "AuthenticationUnavailable";
}
