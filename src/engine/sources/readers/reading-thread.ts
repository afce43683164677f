import { Worker } from "node:worker_threads";
import { errorCode, errorMessage } from "../../../text/error-message.ts";
import { onAbort } from "../../../runtime/on-abort.ts";
import { DocumentTooCostly, DocumentUnreadable } from "../document.ts";
import { READING_LIMITS } from "../limits.ts";
import type { DocumentPart, ThreadOutcome, ThreadReply } from "./document-parts.ts";
import { FileGone } from "./open-file.ts";

/** A thread that does nothing for so long ends; starting one takes less than a second. */
const IDLE_MS = 10_000;
/** How often time and memory are looked at. */
const CHECK_MS = 100;

/**
 * Reads documents in a thread of its own, one after another: whatever a file does, the program stays free and can end the
 * thread.
 */
export class ReadingThread {
  #worker: Worker | null = null;
  #last: Promise<void> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  /** The parts of the document. Throws {@link DocumentUnreadable}, {@link FileGone} and the reason of the signal. */
  async *read(path: string, signal?: AbortSignal): AsyncGenerator<DocumentPart, void> {
    const end = await this.#takeTurn();
    let isDone = false;
    try {
      signal?.throwIfAborted();
      clearTimeout(this.#idle);
      this.#worker ??= this.#start();
      this.#worker.ref();
      yield* receiveParts(this.#worker, path, signal);
      isDone = true;
    } catch (error) {
      isDone = error instanceof FileGone || error instanceof FileRefused;
      throw error;
    } finally {
      if (isDone) this.#rest();
      else await this.#end();
      end();
    }
  }

  async #takeTurn(): Promise<() => void> {
    const before = this.#last;
    let end = () => {};
    this.#last = new Promise((resolve) => (end = resolve));
    await before;
    return end;
  }

  #start(): Worker {
    const worker = startWorker();
    const forget = () => {
      if (this.#worker === worker) this.#worker = null;
    };
    // The waiting calls get the error too; without this listener it would end the program.
    return worker.on("error", forget).on("exit", forget);
  }

  #rest(): void {
    this.#worker?.unref();
    this.#idle = setTimeout(() => void this.#end(), IDLE_MS).unref();
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }
}

/** The thread itself has said so, and is ready for the next file. */
class FileRefused extends DocumentUnreadable {}

function startWorker(): Worker {
  const worker = new Worker(new URL("./document-worker.js", import.meta.url), {
    // What the program was started with, such as a debugger, is not for this thread.
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: READING_LIMITS.heapBytes / 1024 / 1024 },
    // What libraries print must not come between the messages of a protocol on the standard streams.
    stdout: true,
    stderr: true,
  });
  worker.stdout.resume();
  worker.stderr.resume();
  return worker;
}

async function* receiveParts(
  worker: Worker,
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<DocumentPart, void> {
  const use = { ms: 0, rssBefore: process.memoryUsage.rss() };
  for (let message = path; ; message = "next") {
    const reply = await ask(worker, message, use, signal);
    switch (reply.kind) {
      case "end":
        return;
      case "gone":
        throw new FileGone();
      case "unreadable":
        throw new FileRefused(reply.message);
      case "head":
      case "passages":
      case "problems":
        yield reply;
    }
  }
}

/** What a file has cost. */
interface Use {
  ms: number;
  rssBefore: number;
}

/** Sends the message and waits for the answer, unless the file costs too much meanwhile. */
function ask(
  worker: Worker,
  message: string,
  use: Use,
  signal: AbortSignal | undefined,
): Promise<DocumentPart | ThreadOutcome> {
  let settle = () => {};
  return new Promise<DocumentPart | ThreadOutcome>((resolve, reject) => {
    let silentMs = 0;
    const onMessage = (reply: ThreadReply) => {
      silentMs = 0;
      if (reply.kind !== "alive") resolve(reply);
    };
    const onError = (error: unknown) => reject(describeFailure(error));
    const onExit = () => reject(describeFailure(new Error("it ended")));
    // Ticks are counted, because a computer that slept has not read meanwhile.
    const timer = setInterval(() => {
      silentMs += CHECK_MS;
      use.ms += CHECK_MS;
      const problem = findExcess(silentMs, use);
      if (problem !== null) reject(new DocumentTooCostly(problem));
    }, CHECK_MS);
    const ignoreSignal = onAbort(signal, () => reject(signal?.reason));
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Threads have no origin.
    worker.postMessage(message);
    settle = () => {
      clearInterval(timer);
      ignoreSignal();
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
    };
  }).finally(() => settle());
}

function findExcess(silentMs: number, { ms, rssBefore }: Use): string | null {
  const { silenceMs, totalMs, memoryBytes } = READING_LIMITS;
  if (silentMs > silenceMs || ms > totalMs) return "takes too long to read; split it";
  const grown = process.memoryUsage.rss() - rssBefore;
  return grown > memoryBytes ? TOO_MUCH_MEMORY : null;
}

const TOO_MUCH_MEMORY = "needs too much memory to read; split it";

function describeFailure(error: unknown): DocumentUnreadable {
  if (errorCode(error) === "ERR_WORKER_OUT_OF_MEMORY") {
    return new DocumentTooCostly(TOO_MUCH_MEMORY, { cause: error });
  }
  return new DocumentUnreadable(`cannot be read: its reader failed (${errorMessage(error)})`, {
    cause: error,
  });
}
