/** Where a body comes from. */
export interface BodySource {
  pause(): void;
  resume(): void;
  /** The reader has finished or given up. */
  leave(): void;
}

/** A body while it arrives, for one reader. */
export interface ArrivingBody extends AsyncIterable<Uint8Array> {
  push(chunk: Uint8Array): void;
  end(): void;
  /** The reader gets the error at once; what it has not read yet is lost. */
  fail(error: unknown): void;
}

/** Beyond this, the source is paused until the reader continues. One chunk has at most 64 KiB. */
const HELD_BYTES = 64 * 1024;

type Next = IteratorResult<Uint8Array, void>;
const END: Next = { done: true, value: undefined };

/** Much smaller than a stream of Node or of the web: thousands of answers may be waited for at a time. */
export function createArrivingBody(source: BodySource): ArrivingBody {
  let chunks: Uint8Array[] = [];
  let heldBytes = 0;
  let ending: { error: unknown } | "ended" | null = null;
  let waiting: { resolve: (next: Next) => void; reject: (error: unknown) => void } | null = null;

  /** Settles a waiting read with the next chunk, the end or the error, whichever is there. */
  function serve(): void {
    if (waiting === null) return;
    const { resolve, reject } = waiting;
    const chunk = chunks.shift();
    if (chunk === undefined && ending === null) return;
    waiting = null;
    if (chunk !== undefined) {
      heldBytes -= chunk.byteLength;
      if (heldBytes <= HELD_BYTES) source.resume();
      resolve({ done: false, value: chunk });
    } else if (ending === "ended") {
      source.leave();
      resolve(END);
    } else {
      reject(ending?.error);
    }
  }

  const reader: AsyncIterator<Uint8Array, void> = {
    next: () =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        serve();
      }),
    async return() {
      chunks = [];
      ending ??= "ended";
      source.leave();
      return END;
    },
  };

  return {
    push(chunk) {
      if (ending !== null) return;
      chunks.push(chunk);
      heldBytes += chunk.byteLength;
      serve();
      if (heldBytes > HELD_BYTES) source.pause();
    },
    end() {
      ending ??= "ended";
      serve();
    },
    fail(error) {
      chunks = [];
      ending = { error };
      serve();
    },
    [Symbol.asyncIterator]: () => reader,
  };
}
