import { RunNotFound, TaskApiError } from "../../client/errors.ts";
import type { LedgerEntry } from "../../ledger/ledger.ts";
import { type TaskRun, isOver } from "../../task-api/run.ts";
import type { OpenCall } from "./call-context.ts";

/** Enough to read a page of active runs within moments, and no burden on a backend. */
const READS_AT_ONCE = 8;
/** A list that waits longer for a slow backend helps less than one that is a little old. */
const REFRESH_MS = 5_000;
/** Up to this many runs are read one by one. */
const FEW = 8;
const LIST_PAGE = 100;
/** The newest 5,000 runs of the account; older ones are read one by one. */
const LIST_PAGES = 50;
/** The clocks of the backend and of this machine differ. */
const CLOCKS_DIFFER_MS = 60_000;

export type RefreshContext = Pick<OpenCall, "backend" | "clock" | "signal">;

export interface Refreshed {
  /** Entries whose runs could not be read in time. */
  unseen: LedgerEntry[];
  /** Runs that the backend no longer has. */
  gone: number;
}

export function isOpen({ status, isActive }: LedgerEntry): boolean {
  return isActive || !isOver({ status, is_active: isActive });
}

/**
 * Reads the runs of entries and records their states: many of one group from the list of that group, many others from
 * the backend's list of runs where it has one, and the rest one by one. Stops after 5 s with what was read until then.
 * Throws the caller's abort reason.
 */
export async function refreshEntries(
  entries: readonly LedgerEntry[],
  { backend: { client, ledger }, clock, signal: callSignal }: RefreshContext,
): Promise<Refreshed> {
  const wanted = new Map(
    entries.flatMap((entry) => (entry.runId === null ? [] : [[entry.runId, entry] as const])),
  );
  if (wanted.size === 0) return { unseen: [], gone: 0 };
  const timeUp = new AbortController();
  const stopTimer = clock.startTimer(REFRESH_MS, () => timeUp.abort());
  const signal = AbortSignal.any([callSignal, timeUp.signal]);
  const changed: TaskRun[] = [];
  let gone = 0;

  function take(run: TaskRun): void {
    const entry = wanted.get(run.run_id);
    if (entry === undefined) return;
    wanted.delete(run.run_id);
    const isSame =
      entry.status === run.status &&
      entry.isActive === run.is_active &&
      (run.error?.message ?? null) === entry.error;
    if (!isSame) changed.push(run);
  }

  /** When reading fails, the runs are left to the next way of reading, or unseen. */
  async function tryTo(read: () => Promise<void>): Promise<void> {
    if (signal.aborted) return;
    try {
      await read();
    } catch (error) {
      callSignal.throwIfAborted();
      if (!signal.aborted && !(error instanceof TaskApiError)) throw error;
    }
  }

  async function readGroups(): Promise<void> {
    const sizes = new Map<string, number>();
    for (const { taskgroupId } of wanted.values()) {
      if (taskgroupId !== null) sizes.set(taskgroupId, (sizes.get(taskgroupId) ?? 0) + 1);
    }
    const large = [...sizes].filter(([, size]) => size > FEW).map(([taskgroupId]) => taskgroupId);
    await inParallel(large, (taskgroupId) =>
      tryTo(async () => {
        for await (const event of client.streamGroupRuns(taskgroupId, {}, { signal })) {
          if (event.type === "task_run.state") take(event.run);
        }
      }),
    );
  }

  async function readList(): Promise<void> {
    if (wanted.size <= FEW || !(await client.honoursIdempotencyKeys({ signal }))) return;
    let cursor: string | null = null;
    for (let page = 0; page < LIST_PAGES && wanted.size > 0; page += 1) {
      const answer = await client.listRuns(
        { limit: LIST_PAGE, ...(cursor !== null && { cursor }) },
        { signal },
      );
      answer.runs.forEach(take);
      cursor = answer.next_cursor;
      const oldest = Date.parse(answer.runs.at(-1)?.created_at ?? "") + CLOCKS_DIFFER_MS;
      const areAllNewer = [...wanted.values()].every(
        ({ createdAt }) => Date.parse(createdAt) > oldest,
      );
      if (cursor === null || areAllNewer) return;
    }
  }

  async function readEach(): Promise<void> {
    let failures = 0;
    await inParallel([...wanted.keys()], (runId) =>
      tryTo(async () => {
        // After this many failures the other reads would fail too.
        if (failures >= READS_AT_ONCE) return;
        try {
          take(await client.retrieveRun(runId, { signal }));
        } catch (error) {
          if (error instanceof RunNotFound) {
            wanted.delete(runId);
            gone += 1;
            return;
          }
          failures += 1;
          throw error;
        }
      }),
    );
  }

  try {
    await readGroups();
    await tryTo(readList);
    await readEach();
  } finally {
    stopTimer();
  }
  if (changed.length > 0) await ledger.recordAll(changed);
  return { unseen: [...wanted.values()], gone };
}

/** A few at a time. */
async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  async function workOn(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  }
  await Promise.all(Array.from({ length: READS_AT_ONCE }, workOn));
}
