import type { ChangeFeed } from "../runs/change-feed.ts";

/**
 * Brings "there are runs to claim" to a worker. A notification is a hint, and polling is the truth: a hint may come for
 * nothing, twice, or never, and the run is found all the same. Only a claim decides which worker gets a run.
 */
export interface Dispatcher {
  /** Calls `onReady` at once, whenever a run may have become ready, and every few seconds. */
  start(onReady: () => void): void;
  /** The run is ready to be claimed. */
  announce(runId: string): void;
  stop(): void;
}

/**
 * How long a run waits at most if no process noticed that it became due, for example a retry that came due while no
 * engine ran.
 */
const POLL_INTERVAL_MS = 5_000;

/** A dispatcher for processes that share one change feed. Its timer does not keep the process alive. */
export function createFeedDispatcher(changes: ChangeFeed): Dispatcher {
  let onReady = () => {};
  let unsubscribe = () => {};
  let timer: NodeJS.Timeout | undefined;
  return {
    start(listener) {
      onReady = listener;
      unsubscribe = changes.subscribeToAll((change) => {
        if (change?.status === "queued") onReady();
      });
      timer = setInterval(listener, POLL_INTERVAL_MS);
      timer.unref();
      onReady();
    },
    announce: () => onReady(),
    stop() {
      onReady = () => {};
      unsubscribe();
      clearInterval(timer);
    },
  };
}
