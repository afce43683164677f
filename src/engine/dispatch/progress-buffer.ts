import type { ProgressEvent } from "../../task-api/run-event.ts";
import { type Clock, formatTimestamp } from "../clock.ts";

/** Collects the progress of one attempt and writes it in batches. */
export interface ProgressBuffer {
  add(event: ProgressEvent): void;
  /** Writes what was added so far; resolves when it is durable. */
  flush(): Promise<void>;
}

/**
 * How long an event may wait for others. An executor reports many steps within milliseconds, and a transaction for
 * each would cost more than the steps; nobody sees a difference of 25 ms.
 */
const FLUSH_DELAY_MS = 25;

/** `write` gets the events in order, one batch at a time. Its failures surface in `flush`. */
export function createProgressBuffer(
  clock: Clock,
  write: (events: readonly ProgressEvent[]) => Promise<unknown>,
): ProgressBuffer {
  let pending: ProgressEvent[] = [];
  let writing: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  function writePending(): Promise<unknown> {
    clearTimeout(timer);
    timer = undefined;
    const batch = pending;
    pending = [];
    if (batch.length > 0) writing = writing.then(() => write(batch));
    return writing;
  }

  return {
    add(event) {
      // The time of the step, not of the write.
      const at = formatTimestamp(clock.now());
      pending.push("message" in event ? { timestamp: at, ...event } : event);
      // A failure is kept in `writing` and comes out of the next flush.
      timer ??= setTimeout(() => void writePending().catch(() => undefined), FLUSH_DELAY_MS);
    },
    async flush() {
      await writePending();
    },
  };
}
