import { setTimeout } from "node:timers/promises";
import type { Logger } from "pino";
import { accept, endSending, release } from "./accept.ts";
import { InvalidCursor, LedgerUnavailable } from "./errors.ts";
import {
  countEntries,
  findAlike,
  findByIds,
  findByInteraction,
  findByKey,
  findByRun,
  findClaimed,
  findOwn,
  listEntries,
  listGroups,
} from "./find-entries.ts";
import { findGroupRequest, findRetriedAs, listRetries, rememberGroup } from "./groups.ts";
import type { Ledger } from "./ledger.ts";
import { readOutput } from "./outputs.ts";
import { type ObservationRecorder, recordRows, recordStates } from "./record-observation.ts";
import { reserve } from "./reserve.ts";
import type { LedgerDatabase } from "./schema.ts";
import type { ScopeIds } from "./scope.ts";
import { readSpending, spentTodayMicros, toUsd } from "./spending.ts";

export interface LedgerParts {
  db: LedgerDatabase;
  recorder: ObservationRecorder;
  notes: NoteTaker;
  now: () => number;
  maxOutputBytes: number;
  /** This process, as the sender of what is reserved here. */
  sender: string;
}

/** Between two reads of an entry that another process is sending: a create takes some hundred milliseconds. */
const SENT_POLL_MS = 50;
/** Between two tries to write what could not be written. */
const LATE_NOTES_MS = 2_000;

export function createLedger(
  { db, recorder, notes, now, maxOutputBytes, sender }: LedgerParts,
  ids: ScopeIds,
): Ledger {
  const { scope } = ids;

  async function ask<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    // Late writes belong in the answer, so do them first.
    await notes.catchUp();
    try {
      return await work();
    } catch (error) {
      throw error instanceof InvalidCursor ? error : new LedgerUnavailable({ cause: error });
    }
  }

  return {
    reserve: (requests, limits = {}) =>
      ask(() => reserve(db, ids, requests, limits, { nowMs: now(), sender })),
    accept: (accepted) => notes.insist(() => accept(db, scope, accepted, now())),
    adopt: (started) =>
      notes.insist(async () => {
        const requests = started.map(({ request }) => request);
        const reserved = await reserve(db, ids, requests, {}, { nowMs: now(), sender });
        if (reserved.kind !== "reserved") return;
        const accepted = started.flatMap(({ run }, index) => {
          const entryId = reserved.entries[index]?.entry.entryId;
          return entryId === undefined ? [] : [{ entryId, run }];
        });
        await accept(db, scope, accepted, now());
      }),
    release: (entryIds, { minAgeMs } = { minAgeMs: 0 }) =>
      notes.take(() => release(db, scope, entryIds, minAgeMs === 0 ? undefined : now() - minAgeMs)),
    endSending: (entryIds) => notes.take(() => endSending(db, scope, entryIds)),
    async whenSent(entryIds, maxMs) {
      const deadline = performance.now() + maxMs;
      for (;;) {
        const entries = await ask(() => findByIds(db, scope, entryIds, now()));
        const isWaiting = entries.some(({ isBeingSent }) => isBeingSent);
        if (!isWaiting || performance.now() >= deadline) return entries;
        await setTimeout(SENT_POLL_MS);
      }
    },
    record: (runId, observed) => notes.take(() => recorder.record(scope, runId, observed)),
    recordAll: (runs) => notes.take(() => recordStates(db, scope, runs, now())),
    recordRows: (rows) =>
      notes.take(() => recordRows(db, { scope, rows, maxOutputBytes, nowMs: now() })),
    find: (runId) => ask(() => findByRun(db, scope, runId, now())),
    findByKey: (key) => ask(() => findByKey(db, scope, key, now())),
    findClaimed: (runIds) => ask(() => findClaimed(db, ids, runIds)),
    findOwn: (runIds) => ask(() => findOwn(db, ids, runIds)),
    findByInteraction: (id) => ask(() => findByInteraction(db, scope, id, now())),
    findAlike: (fingerprints, sinceMs) =>
      ask(() => findAlike(db, scope, fingerprints, sinceMs, now())),
    readOutput: (runId) => ask(() => readOutput(db, scope, runId)),
    list: (query) => ask(() => listEntries(db, ids, query, now())),
    count: (filter) => ask(() => countEntries(db, ids, filter)),
    listGroups: (query) => ask(() => listGroups(db, ids, query)),
    spending: () => ask(() => readSpending(db, ids, now())),
    spentToday: () =>
      ask(async () => ({
        accountUsd: toUsd(await spentTodayMicros(db, { account: ids.account }, now())),
        ownUsd: toUsd(await spentTodayMicros(db, ids, now())),
      })),
    rememberGroup: (request) => ask(() => rememberGroup(db, scope, request, now())),
    listRetries: (taskgroupId) => ask(() => listRetries(db, scope, taskgroupId)),
    findRetriedAs: (runIds) => ask(() => findRetriedAs(db, scope, runIds)),
    findGroupRequest: (key) => ask(() => findGroupRequest(db, scope, key)),
  };
}

/** Runs writes whose failure must not break the run they are about. */
export interface NoteTaker {
  take(work: () => Promise<void>): Promise<void>;
  /**
   * Like `take`, for a write that must not be lost: after a failure it is repeated until it succeeds. False: not
   * written yet.
   */
  insist(work: () => Promise<void>): Promise<boolean>;
  /** Repeats the writes that failed before, until one fails again. */
  catchUp(): Promise<void>;
  /** Resolves when the writes under way have succeeded or failed. */
  settle(): Promise<void>;
}

export function createNoteTaker(log: Logger): NoteTaker {
  const logged = new Set<string>();
  const pending = new Set<Promise<unknown>>();
  /** The writes to repeat as soon as possible, in order. */
  const late: (() => Promise<void>)[] = [];
  let catchingUp: Promise<void> | null = null;
  let isRetrying = false;

  async function attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      // Ignored on purpose: the backend has the truth about the run, and the next observation writes it again. A full
      // disk would otherwise fill the log with every step of every run.
      const cause = String(error);
      if (logged.has(cause)) return false;
      logged.add(cause);
      log.warn({ err: error }, "could not write to the ledger; runs go on, their list may be old");
      return false;
    }
  }

  async function tracked<Result>(note: Promise<Result>): Promise<Result> {
    pending.add(note);
    try {
      return await note;
    } finally {
      pending.delete(note);
    }
  }

  async function writeLate(): Promise<void> {
    for (let work = late[0]; work !== undefined; work = late[0]) {
      if (!(await attempt(work))) return;
      late.shift();
    }
  }

  async function catchUp(): Promise<void> {
    if (late.length === 0) return;
    await (catchingUp ??= writeLate().finally(() => {
      catchingUp = null;
    }));
  }

  async function retryLater(): Promise<void> {
    if (isRetrying) return;
    isRetrying = true;
    while (late.length > 0) {
      await setTimeout(LATE_NOTES_MS, undefined, { ref: false });
      await catchUp();
    }
    isRetrying = false;
  }

  return {
    async take(work) {
      await tracked(attempt(work));
    },
    async insist(work) {
      await catchUp();
      if (late.length === 0 && (await tracked(attempt(work)))) return true;
      late.push(work);
      void retryLater();
      return false;
    },
    catchUp,
    async settle() {
      await Promise.all(pending);
      await catchUp();
      // A ledger that is closed must not be written to.
      late.length = 0;
    },
  };
}
