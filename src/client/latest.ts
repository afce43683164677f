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
  /** The newest value now, if there is one, and after each change. Throws the signal's reason as soon as it aborts. */
  read(signal: AbortSignal | undefined): AsyncGenerator<T, void>;
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
    async *read(signal) {
      let seen: { value: T } | null = null;
      for (;;) {
        signal?.throwIfAborted();
        if (newest !== null && newest !== seen) {
          seen = newest;
          yield newest.value;
        } else if (ending === "ended") {
          return;
        } else if (ending !== null) {
          throw ending.error;
        } else {
          await nextChange(signal);
        }
      }
    },
  };
}
