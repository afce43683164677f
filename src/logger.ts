import { type Logger, pino } from "pino";
import type { LogLevel } from "./options.ts";

/**
 * The log of a process: JSON lines on stderr, because stdout belongs to the protocol. Every occurrence of one of
 * `secrets` is replaced before a line is written, wherever it came from.
 */
export function createLogger({ level, secrets }: { level: LogLevel; secrets: string[] }): Logger {
  const known = secrets.filter((secret) => secret !== "");
  return pino(
    {
      level,
      hooks: {
        streamWrite: (line) =>
          known.reduce((text, secret) => text.replaceAll(secret, "[redacted]"), line),
      },
    },
    // Synchronous: the last lines before an exit are the ones somebody will look for.
    pino.destination({ dest: 2, sync: true }),
  );
}
