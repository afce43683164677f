import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import { type Logger, pino } from "pino";
import type { LogLevel } from "./options.ts";
import { cleanText, cleanValue } from "./text/clean-text.ts";
import { jsonText, parseJson } from "./text/json.ts";
import { createRedact } from "./text/redact.ts";

const STDERR = 2;

/**
 * Logs JSON lines to stderr, because stdout belongs to the protocol. Replaces every occurrence of a secret in every line.
 * Writing never blocks: when stderr is full, lines are dropped, and a later line says how many.
 */
export function createLogger({ level, secrets }: { level: LogLevel; secrets: string[] }): Logger {
  const redact = createRedact(secrets);
  const log = pino(
    {
      level,
      hooks: {
        // Clean first: an invisible character inside a secret would hide it from the search.
        streamWrite: (line) => redact(cleanEntry(line)),
      },
    },
    createLineWriter(openWithoutWaiting(), (dropped) =>
      // Log at the configured level, which is always shown.
      log[level]({ dropped }, "log lines were dropped: stderr was full"),
    ),
  );
  return log;
}

/** Enough for a burst at debug level; also the most memory that a reader that is gone can cost. */
const HELD_BYTES = 1024 * 1024;
/** First and longest delay before writing again to a full or closed stderr. */
const FIRST_RETRY_MS = 10;
const LAST_RETRY_MS = 1_000;

/**
 * Writes lines to a non-blocking descriptor at once, because the last lines before an exit matter most. Bytes that a
 * full pipe, a full disk or a missing reader does not accept are buffered up to a limit; further lines are dropped and
 * counted.
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

/** Returns how many bytes were written; 0 on any error, because the caller tries again. */
function writeNow(descriptor: number, bytes: Buffer): number {
  try {
    return writeSync(descriptor, bytes);
  } catch {
    return 0;
  }
}

/**
 * Opens a non-blocking descriptor of stderr. For a pipe or terminal it opens a new one where the system allows it: the
 * O_NONBLOCK flag of the original is shared with the process that started us.
 */
function openWithoutWaiting(): number {
  const isTerminal = isatty(STDERR);
  // A file never blocks like a pipe, and a new descriptor would not share its write position.
  if (!isTerminal && fstatSync(STDERR).isFile()) return STDERR;
  const mode = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  for (const path of ["/proc/self/fd/2", ...(isTerminal ? ["/dev/tty"] : [])]) {
    try {
      return openSync(path, mode);
    } catch {
      // The path does not exist, or stderr is a socket or another user's terminal.
    }
  }
  // Reading this property creates a stream, and Node makes its pipe or socket non-blocking.
  void process.stderr;
  return STDERR;
}

/** Cleans the texts of a log line, because log viewers write them to a terminal. Most lines need no change. */
function cleanEntry(line: string): string {
  if (!/\\[bfru]/.test(line) && cleanText(line) === line) return line;
  return `${jsonText(cleanValue(parseJson(line)))}\n`;
}
