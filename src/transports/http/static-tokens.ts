import { type HashedKey, createKeyFinder } from "../../http-server/hashed-keys.ts";
import { type Authenticate, type AuthenticatedPrincipal, TokenRefused } from "./principal.ts";

/** Authenticates by tokens that an operator gave out, known by their hashes. */
export function createStaticTokens(
  tokens: readonly HashedKey<AuthenticatedPrincipal>[],
): Authenticate {
  const find = createKeyFinder(tokens);
  return async (token) => {
    const principal = find(token);
    if (principal === undefined) throw new TokenRefused("The token is not known here");
    return principal;
  };
}
