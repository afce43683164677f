import { onAbort } from "../../runtime/on-abort.ts";

/**
 * The newest of a series of values, for any number of readers. Nothing queues up: a slow reader finds the newest value
 * and misses the ones between.
 */
export interface LatestValue<T> {
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

export function createLatestValue<T>(): LatestValue<T> {
  let newest: { value: T } | null = null;
  let ending: { error: unknown } | "ended" | null = null;
  const readers = new Set<() => void>();

  function wakeReaders(): void {
    for (const check of readers) check();
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
    after: (seen, signal) =>
      new Promise((resolve, reject) => {
        let stopListening = () => {};
        /** Settles the promise if there is a new value or the end; otherwise waits for the next change. */
        function check(): void {
          if (signal?.aborted === true) reject(signal.reason);
          else if (newest !== null && newest !== seen) resolve(newest);
          else if (ending === "ended") resolve(null);
          else if (ending !== null) reject(ending.error);
          else {
            readers.add(check);
            return;
          }
          readers.delete(check);
          stopListening();
        }
        check();
        if (readers.has(check)) stopListening = onAbort(signal, check);
      }),
  };
}
