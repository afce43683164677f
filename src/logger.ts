import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import { type Logger, pino } from "pino";
import type { LogLevel } from "./options.ts";
import { cleanText, cleanValue } from "./text/clean-text.ts";
import { jsonText, parseJson } from "./text/json.ts";

const STDERR = 2;

/**
 * The log of a process: JSON lines on stderr, because stdout belongs to the protocol. Every occurrence of one of
 * `secrets` is replaced before a line is written, wherever it came from. Writing never waits for a reader: lines that
 * find no room are dropped, and the next one that finds room says how many they were.
 */
export function createLogger({ level, secrets }: { level: LogLevel; secrets: string[] }): Logger {
  const known = secrets.filter((secret) => secret !== "");
  const log = pino(
    {
      level,
      hooks: {
        streamWrite: (line) =>
          // Cleaned first, so that nothing invisible parts a secret.
          known.reduce((text, secret) => text.replaceAll(secret, "[redacted]"), cleanEntry(line)),
      },
    },
    createLineWriter(openWithoutWaiting(), (dropped) =>
      // At the level that is surely shown, whatever was asked for.
      log[level]({ dropped }, "log lines were dropped: stderr took no more"),
    ),
  );
  return log;
}

/** Enough for a burst at debug level that outruns its reader; a reader that is gone costs no more than this. */
const HELD_BYTES = 1024 * 1024;
/** How soon and how late a place that took nothing is tried again. */
const FIRST_RETRY_MS = 10;
const LAST_RETRY_MS = 1_000;

/**
 * Writes lines to a descriptor that does not block: at once, because the last lines before an exit are the ones somebody
 * will look for. What is not taken, be it for a full pipe, a full disk or a reader that has gone, is held up to a limit;
 * lines beyond it are dropped and counted.
 */
function createLineWriter(
  descriptor: number,
  onDropped: (lines: number) => void,
): { write(line: string): void } {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let dropped = 0;
  let retryMs = FIRST_RETRY_MS;
  let retry: NodeJS.Timeout | undefined;

  function hold(bytes: Buffer): void {
    held.push(bytes);
    heldBytes += bytes.length;
  }

  function flush(): void {
    while (held.length > 0) {
      const rest = Buffer.concat(held);
      const written = writeNow(descriptor, rest);
      held = [];
      heldBytes = 0;
      if (written < rest.length) hold(rest.subarray(written));
      if (written === 0) {
        retryLater();
        return;
      }
      retryMs = FIRST_RETRY_MS;
    }
    if (dropped === 0) return;
    const lines = dropped;
    dropped = 0;
    onDropped(lines);
  }

  function retryLater(): void {
    retry ??= setTimeout(() => {
      retry = undefined;
      flush();
    }, retryMs).unref();
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }

  process.once("exit", flush);
  return {
    write(text) {
      const line = Buffer.from(text);
      if (heldBytes + line.length > HELD_BYTES) dropped += 1;
      else hold(line);
      if (retry === undefined) flush();
    },
  };
}

/** How many bytes were taken. Why none were makes no difference: they may be later. */
function writeNow(descriptor: number, bytes: Buffer): number {
  try {
    return writeSync(descriptor, bytes);
  } catch {
    return 0;
  }
}

/**
 * A descriptor of stderr whose writing does not block. Of a pipe or a terminal another one is opened where the system
 * can do that, because the mode of stderr itself is shared with the process that started us.
 */
function openWithoutWaiting(): number {
  const isTerminal = isatty(STDERR);
  // A file never fills up like a pipe, and its place is shared with the others that write to it.
  if (!isTerminal && fstatSync(STDERR).isFile()) return STDERR;
  const mode = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  for (const path of ["/proc/self/fd/2", ...(isTerminal ? ["/dev/tty"] : [])]) {
    try {
      return openSync(path, mode);
    } catch {
      // No such path, a socket, or a terminal of another user.
    }
  }
  // Node makes pipes and sockets non-blocking when it makes a stream of them.
  void process.stderr;
  return STDERR;
}

/** The line with clean texts alone: programs that show logs write what they hold to a terminal. Most lines hold nothing. */
function cleanEntry(line: string): string {
  if (!/\\[bfru]/.test(line) && cleanText(line) === line) return line;
  return `${jsonText(cleanValue(parseJson(line)))}\n`;
}
