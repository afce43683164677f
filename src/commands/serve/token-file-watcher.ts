import { type StatsListener, unwatchFile, watchFile } from "node:fs";
import type { Logger } from "pino";
import {
  type HashedKey,
  KeyHash,
  KeyOwnerId,
  readHashedKeys,
} from "../../http-server/hashed-keys.ts";
import type { Authenticate, AuthenticatedPrincipal } from "../../transports/http/principal.ts";
import { createStaticTokens } from "../../transports/http/static-tokens.ts";
import { z } from "zod";
import { READ_SCOPE, WRITE_SCOPE } from "../../runtime/request-facts.ts";

/**
 * Polling a file's metadata costs almost nothing, and works on every file system and with every way of replacing a
 * file.
 */
const POLL_MS = 2_000;

/** The tokens of a file as it is now. */
export interface TokenFileWatcher {
  authenticate: Authenticate;
  /** Reads the file again. If it cannot be used, the tokens stay as they were. */
  reload(): Promise<void>;
  stop(): void;
}

/**
 * Reads the tokens file at the start and after every change; a token that was removed from it is then rejected. The
 * keys of `others` are accepted as well. Throws `UsageError` with every problem of the file at the start.
 */
export async function watchTokenFile(
  file: string,
  {
    others,
    limits,
    log,
  }: {
    others: readonly HashedKey<AuthenticatedPrincipal>[];
    limits: Pick<AuthenticatedPrincipal, "requestsPerMinute" | "budgetUsdPerDay">;
    log: Logger;
  },
): Promise<TokenFileWatcher> {
  const read = async () => createStaticTokens([...others, ...(await readTokens(file, limits))]);
  let authenticate = await read();

  async function readAgain(): Promise<void> {
    try {
      authenticate = await read();
      log.info({ file }, "the tokens file was read again");
    } catch (error) {
      log.error(
        { err: error, file },
        "the tokens file cannot be used; the tokens stay as they were",
      );
    }
  }

  // Reload one after the other, so that the latest read counts.
  let reloading = Promise.resolve();
  const reload = () => (reloading = reloading.then(readAgain));

  const onPoll: StatsListener = (now, before) => {
    const isSame =
      now.mtimeMs === before.mtimeMs && now.ino === before.ino && now.size === before.size;
    // Reading the file changes its access time, which also triggers this listener.
    if (!isSame) void reload();
  };
  watchFile(file, { interval: POLL_MS, persistent: false }, onPoll);
  return {
    authenticate: (token) => authenticate(token),
    reload,
    stop: () => unwatchFile(file, onPoll),
  };
}

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
