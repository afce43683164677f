import type { Logger } from "pino";
import { accept, release } from "./accept.ts";
import { InvalidCursor, LedgerUnavailable } from "./errors.ts";
import { findByKey, findByRun, knowsInteraction, listEntries } from "./find-entries.ts";
import { findGroup, findGroupRequest, rememberGroup } from "./groups.ts";
import type { Ledger } from "./ledger.ts";
import { readOutput } from "./outputs.ts";
import type { LookRecorder } from "./record-look.ts";
import { reserve } from "./reserve.ts";
import type { LedgerDatabase } from "./schema.ts";
import type { ScopeIds } from "./scope.ts";
import { readSpending } from "./spending.ts";

export interface LedgerParts {
  db: LedgerDatabase;
  recorder: LookRecorder;
  notes: NoteTaker;
  now: () => number;
}

export function createLedger({ db, recorder, notes, now }: LedgerParts, ids: ScopeIds): Ledger {
  const { scope } = ids;
  return {
    reserve: (drafts, limits = {}) => ask(() => reserve(db, ids, drafts, limits, now())),
    accept: (accepted) => notes.take(() => accept(db, scope, accepted, now())),
    release: (entryIds) => notes.take(() => release(db, scope, entryIds)),
    record: (runId, look) => notes.take(() => recorder.record(scope, runId, look)),
    find: (runId) => ask(() => findByRun(db, scope, runId)),
    findByKey: (key) => ask(() => findByKey(db, scope, key)),
    knowsInteraction: (id) => ask(() => knowsInteraction(db, ids, id)),
    readOutput: (runId) => ask(() => readOutput(db, scope, runId)),
    list: (query) => ask(() => listEntries(db, ids, query)),
    spending: () => ask(() => readSpending(db, ids, now())),
    rememberGroup: (request) => ask(() => rememberGroup(db, scope, request, now())),
    findGroup: (taskgroupId) => ask(() => findGroup(db, scope, taskgroupId)),
    findGroupRequest: (key) => ask(() => findGroupRequest(db, scope, key)),
  };
}

async function ask<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof InvalidCursor ? error : new LedgerUnavailable({ cause: error });
  }
}

/** Runs writes whose failure must not break the run they are about. */
export interface NoteTaker {
  take(work: () => Promise<void>): Promise<void>;
  /** Resolves when the notes under way are written. */
  settle(): Promise<void>;
}

export function createNoteTaker(log: Logger): NoteTaker {
  const logged = new Set<string>();
  const pending = new Set<Promise<void>>();

  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // Swallowed knowingly: the backend has the truth about the run, and the next look writes it again. A full disk
      // would otherwise fill the log with every step of every run.
      const cause = String(error);
      if (logged.has(cause)) return;
      logged.add(cause);
      log.warn({ err: error }, "could not write to the ledger; runs go on, their list may be old");
    }
  }

  return {
    async take(work) {
      const note = attempt(work);
      pending.add(note);
      await note;
      pending.delete(note);
    },
    async settle() {
      await Promise.all(pending);
    },
  };
}
