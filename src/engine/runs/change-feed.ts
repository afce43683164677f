import type { RunStatus } from "../../task-api/run.ts";

/** A run's event log has grown. */
export interface RunChange {
  runId: string;
  /** The status the run reached; null when only progress was appended. */
  status: RunStatus | null;
}

/**
 * Notifies waiting requests that a run's event log has grown, whichever process wrote it. A notification is only a
 * hint: read the store for the current state.
 */
export interface ChangeFeed {
  /** Calls `listener` after each change of the run; it may also be called without one. Returns the unsubscriber. */
  subscribe(runId: string, listener: () => void): () => void;
  /** Calls `listener` after each change of any run, and without a change when the feed closes. */
  subscribeToAll(listener: (change?: RunChange) => void): () => void;
  /** Stops watching other processes, and calls every listener for the last time. */
  close(): void;
  /** True when the database is about to close: waiting code must stop without reading it again. */
  readonly closed: boolean;
}

/** The listeners of one process, for the implementations of a store. */
export class ChangeListeners implements ChangeFeed {
  readonly #byRun = new Map<string, Set<() => void>>();
  readonly #toAll = new Set<(change?: RunChange) => void>();
  readonly #onClose: () => void;
  #closed = false;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  get closed(): boolean {
    return this.#closed;
  }

  subscribe(runId: string, listener: () => void): () => void {
    const listeners = this.#byRun.get(runId) ?? new Set();
    this.#byRun.set(runId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#byRun.get(runId) === listeners) this.#byRun.delete(runId);
    };
  }

  subscribeToAll(listener: (change?: RunChange) => void): () => void {
    this.#toAll.add(listener);
    return () => void this.#toAll.delete(listener);
  }

  announce(change: RunChange): void {
    for (const listener of this.#byRun.get(change.runId) ?? []) listener();
    for (const listener of this.#toAll) listener(change);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    for (const listeners of [...this.#byRun.values(), this.#toAll]) {
      for (const listener of listeners) listener();
    }
  }
}
