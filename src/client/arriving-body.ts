/** Where a body comes from. */
export interface BodySource {
  pause(): void;
  resume(): void;
  /** Nobody reads any further. */
  leave(): void;
}

/** A body while it arrives, for one reader. */
export interface ArrivingBody extends AsyncIterable<Uint8Array> {
  push(chunk: Uint8Array): void;
  end(): void;
  /** The reader is told at once; what it has not read yet is lost. */
  fail(error: unknown): void;
}

/** Of a body that is not read, no more than this and one chunk is held: undici hands out chunks of 64 KiB at most. */
const HELD_BYTES = 64 * 1024;

/** Much smaller than a stream of Node or of the web: a server may wait for thousands of bodies at a time. */
export function createArrivingBody(source: BodySource): ArrivingBody {
  let chunks: Uint8Array[] = [];
  let heldBytes = 0;
  let ending: { error: unknown } | "ended" | null = null;
  let wakeReader: (() => void) | null = null;

  function wake(): void {
    wakeReader?.();
    wakeReader = null;
  }

  const reader: AsyncIterator<Uint8Array, void> = {
    async next() {
      while (chunks.length === 0 && ending === null) {
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      }
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        heldBytes -= chunk.byteLength;
        if (heldBytes <= HELD_BYTES) source.resume();
        return { done: false, value: chunk };
      }
      if (ending !== null && ending !== "ended") throw ending.error;
      source.leave();
      return { done: true, value: undefined };
    },
    async return() {
      chunks = [];
      ending ??= "ended";
      source.leave();
      return { done: true, value: undefined };
    },
  };

  return {
    push(chunk) {
      if (ending !== null) return;
      chunks.push(chunk);
      heldBytes += chunk.byteLength;
      if (heldBytes > HELD_BYTES) source.pause();
      wake();
    },
    end() {
      ending ??= "ended";
      wake();
    },
    fail(error) {
      chunks = [];
      ending = { error };
      wake();
    },
    [Symbol.asyncIterator]: () => reader,
  };
}
