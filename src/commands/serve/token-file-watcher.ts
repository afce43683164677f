import { type StatsListener, unwatchFile, watchFile } from "node:fs";
import type { Logger } from "pino";
import type { HashedKey } from "../../http-server/hashed-keys.ts";
import type { Authenticate, AuthenticatedPrincipal } from "../../transports/http/principal.ts";
import { createStaticTokens } from "../../transports/http/static-tokens.ts";
import { readTokens } from "./read-tokens.ts";

/** Looking at a file costs nothing, and works on every file system and with every way of replacing a file. */
const LOOK_MS = 2_000;

/** The tokens of a file as it is now. */
export interface TokenFileWatcher {
  authenticate: Authenticate;
  /** Reads the file again. One that cannot be used leaves the tokens as they were. */
  reload(): Promise<void>;
  stop(): void;
}

/**
 * Reads the tokens file, and again whenever it has changed: a token that is no longer in it opens nothing from then on.
 * `others` count as well. Throws `UsageError` with every problem of the file as it is at the start.
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

  // One after the other: what was read last is what counts.
  let reloading = Promise.resolve();
  const reload = () => (reloading = reloading.then(readAgain));

  const onLook: StatsListener = (now, before) => {
    const isSame =
      now.mtimeMs === before.mtimeMs && now.ino === before.ino && now.size === before.size;
    // Reading it changes what the system remembers of it, too.
    if (!isSame) void reload();
  };
  watchFile(file, { interval: LOOK_MS, persistent: false }, onLook);
  return {
    authenticate: (token) => authenticate(token),
    reload,
    stop: () => unwatchFile(file, onLook),
  };
}
