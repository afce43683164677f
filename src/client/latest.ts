import { onAbort } from "./on-abort.ts";

/**
 * The newest of a series of values, for any number of readers. Nothing queues up: a slow reader finds the newest value
 * and misses the ones between.
 */
export interface Latest<T> {
  publish(value: T): void;
  /** No value follows: readers take the newest and end. */
  end(): void;
  /** No value follows: readers take the newest and then throw `error`. */
  fail(error: unknown): void;
  /**
   * The newest value as soon as it is another one than `seen`; null when there is none, and none follows. Throws the
   * signal's reason as soon as it aborts.
   */
  after(
    seen: { value: T } | null,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly value: T } | null>;
}

export function createLatest<T>(): Latest<T> {
  let newest: { value: T } | null = null;
  let ending: { error: unknown } | "ended" | null = null;
  const readers = new Set<() => void>();

  function wakeReaders(): void {
    for (const wake of readers) wake();
  }

  /** Resolves at the next change, or when the signal aborts. */
  function nextChange(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        readers.delete(wake);
        stopListening();
        resolve();
      };
      readers.add(wake);
      const stopListening = onAbort(signal, wake);
    });
  }

  return {
    publish(value) {
      newest = { value };
      wakeReaders();
    },
    end() {
      ending = "ended";
      wakeReaders();
    },
    fail(error) {
      ending = { error };
      wakeReaders();
    },
    async after(seen, signal) {
      for (;;) {
        signal?.throwIfAborted();
        if (newest !== null && newest !== seen) return newest;
        if (ending === "ended") return null;
        if (ending !== null) throw ending.error;
        await nextChange(signal);
      }
    },
  };
}
