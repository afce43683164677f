/** Who was let in, and how far they may go. */
export interface AuthenticatedPrincipal {
  /** Tells principals apart, also after a restart; stands in logs. */
  id: string;
  scopes: readonly string[];
  requestsPerMinute: number;
  /** US dollars in a UTC day; undefined: no limit of its own. */
  budgetUsdPerDay: number | undefined;
}

/** Whose token it is. Throws {@link TokenRefused} and {@link AuthenticationUnavailable}. */
export type Authenticate = (token: string) => Promise<AuthenticatedPrincipal>;

/** The token is good for nothing here. The message is for the caller: it says why, and nothing of the token. */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
}

/** Whether the token is good cannot be told now: the authorization server does not answer. */
export class AuthenticationUnavailable extends Error {
  override readonly name = "AuthenticationUnavailable";
}
