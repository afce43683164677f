import { z } from "zod";
import {
  type HashedKey,
  KeyHash,
  KeyOwnerId,
  readHashedKeys,
} from "../../http-server/hashed-keys.ts";
import { READ_SCOPE, WRITE_SCOPE } from "../../runtime/request-facts.ts";
import type { AuthenticatedPrincipal } from "../../transports/http/principal.ts";

const TokensFile = z.strictObject({
  tokens: z
    .array(
      z.strictObject({
        principal: KeyOwnerId,
        token_hashes: z.array(KeyHash).min(1, "a principal needs a token"),
        scopes: z
          .array(z.enum([READ_SCOPE, WRITE_SCOPE], `write ${READ_SCOPE} or ${WRITE_SCOPE}`))
          .min(1, "a principal without scopes can do nothing")
          .default([READ_SCOPE, WRITE_SCOPE]),
        budget_usd_per_day: z.number().min(0).optional(),
        requests_per_minute: z.int().min(1).optional(),
      }),
    )
    .min(1, "write at least one principal"),
});

/** The operator's principals and their tokens, from YAML or JSON. Throws `UsageError` with every problem. */
export async function readTokens(
  file: string,
  limits: Pick<AuthenticatedPrincipal, "requestsPerMinute" | "budgetUsdPerDay">,
): Promise<HashedKey<AuthenticatedPrincipal>[]> {
  const { tokens } = await readHashedKeys(file, { name: "tokens file", schema: TokensFile });
  return tokens.flatMap((entry) => {
    const owner: AuthenticatedPrincipal = {
      id: entry.principal,
      scopes: entry.scopes,
      requestsPerMinute: entry.requests_per_minute ?? limits.requestsPerMinute,
      budgetUsdPerDay: entry.budget_usd_per_day ?? limits.budgetUsdPerDay,
    };
    return entry.token_hashes.map((keyHash) => ({ keyHash, owner }));
  });
}
