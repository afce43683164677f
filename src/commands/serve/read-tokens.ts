import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { READ_SCOPE, WRITE_SCOPE } from "../../runtime/request-facts.ts";
import type { AuthenticatedPrincipal } from "../../transports/http/principal.ts";
import type { StaticToken } from "../../transports/http/static-tokens.ts";
import { UsageError } from "../../runtime/usage-error.ts";

const HASH_PREFIX = "sha256:";

const TokensFile = z.strictObject({
  tokens: z
    .array(
      z.strictObject({
        principal: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, "use 1 to 64 letters, digits, _ or -"),
        token_hashes: z
          .array(
            z.string().regex(/^sha256:[0-9a-f]{64}$/, "write what `task-run-mcp hash-key` prints"),
          )
          .min(1, "a principal needs a token"),
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

/** The operator's callers and their tokens, from YAML or JSON. Throws {@link UsageError} with every problem. */
export async function readTokens(
  file: string,
  limits: Pick<AuthenticatedPrincipal, "requestsPerMinute" | "budgetUsdPerDay">,
): Promise<StaticToken[]> {
  let content: unknown;
  try {
    content = parse(await readFile(file, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--tokens ${file}: cannot be read (${reason})`);
  }
  const parsed = TokensFile.safeParse(content);
  if (!parsed.success) {
    throw new UsageError(`--tokens ${file}:\n${z.prettifyError(parsed.error)}`);
  }
  return parsed.data.tokens.flatMap((entry) => {
    const principal: AuthenticatedPrincipal = {
      id: entry.principal,
      scopes: entry.scopes,
      requestsPerMinute: entry.requests_per_minute ?? limits.requestsPerMinute,
      budgetUsdPerDay: entry.budget_usd_per_day ?? limits.budgetUsdPerDay,
    };
    return entry.token_hashes.map((hash) => ({
      sha256: hash.slice(HASH_PREFIX.length),
      principal,
    }));
  });
}
