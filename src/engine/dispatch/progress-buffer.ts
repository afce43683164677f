import { findProcessor } from "../../task-api/processors.ts";
import type { ProgressEvent } from "../../task-api/run-event.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import { type Clock, formatTimestamp } from "../../runtime/clock.ts";

/**
 * Collects the progress of one attempt and writes it in batches. If a write fails, its events go into the next batch.
 */
export interface ProgressBuffer {
  add(event: ProgressEvent): void;
  /** Writes what was added so far; resolves when it is durable, and rejects with the reason why it is not. */
  flush(): Promise<void>;
  /** Takes what is not written yet, for the caller to write; everything before it is durable. */
  take(): Promise<ProgressEvent[]>;
}

/**
 * How long an event may wait for others. An executor reports many steps within milliseconds, and a transaction for
 * each would cost more than the steps; a difference of 25 ms is not seen.
 */
const FLUSH_DELAY_MS = 25;

/** `write` gets the events in order, one batch at a time. */
export function createProgressBuffer(
  clock: Clock,
  write: (events: readonly ProgressEvent[]) => Promise<unknown>,
): ProgressBuffer {
  let pending: ProgressEvent[] = [];
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  function takePending(): ProgressEvent[] {
    clearTimeout(timer);
    timer = undefined;
    const batch = pending;
    pending = [];
    return batch;
  }

  /** One write after another, so that a batch that failed comes before what was added in the meantime. */
  async function writePending(): Promise<void> {
    const before = writing.catch(() => undefined);
    writing = before.then(async () => {
      const batch = takePending();
      if (batch.length === 0) return;
      try {
        await write(batch);
      } catch (error) {
        pending = [...batch, ...pending];
        throw error;
      }
    });
    await writing;
  }

  return {
    add(event) {
      // The time of the step, not of the write.
      const at = formatTimestamp(clock.now());
      pending.push("message" in event ? { timestamp: at, ...event } : event);
      // A failed write stays pending; the next flush throws its error.
      timer ??= setTimeout(() => void writePending().catch(() => undefined), FLUSH_DELAY_MS);
    },
    flush: writePending,
    async take() {
      await writing.catch(() => undefined);
      return takePending();
    },
  };
}

/** Whether a run has progress events where it does not say. Source: Task API, 4.1, `enable_events`. */
export function recordsEvents({ enable_events: asked, processor }: RunInput): boolean {
  return asked ?? findProcessor(processor)?.eventsByDefault ?? false;
}
