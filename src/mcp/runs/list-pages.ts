import { BackendUnreachable, TaskApiError } from "../../client/errors.ts";
import { unreadableOf } from "../../task-api/lenient.ts";
import type { TaskGroupRunEvent } from "../../task-api/task-group.ts";
import type { GroupRunState } from "../report/reading/rows.ts";

/** A list that ends early is read on from where it ended, this often without a new row. */
const FRUITLESS_STREAMS = 2;
/** The same with new rows: a list that brings them one by one has a cursor to go on with. */
const MAX_STREAMS = 20;

/** Noted together, since each note waits for the disk; no more, since each output is held until then. */
const NOTED_AT_ONCE = 20;

/** A page of runs. */
export interface ListPage<Item> {
  items: Item[];
  /** The number of items before this page; null when the cursor does not contain it. */
  before: number | null;
  /** There are more, as far as is known. */
  isCut: boolean;
  /** Leads to them, if the backend numbers its runs. */
  nextCursor: string | null;
  /** How many runs should be here that no reading brought; null when only that the list broke off is known. */
  missing: number | null;
  /** Why reading broke off, in our words; null when it did not. */
  missingReason: string | null;
  /** Paths of what could not be read of the runs. */
  unreadable: string[];
}

/**
 * Reads runs until the page is full; the rest of the list is not fetched. A list that ends before the `expected` number
 * of runs (null: not known) is read again from there, a bounded number of times, because a stream that was cut looks
 * like one that ended.
 */
export async function readListPage<Item>(
  open: (lastEventId: string | undefined) => AsyncIterable<TaskGroupRunEvent>,
  {
    limit,
    budget,
    cursor,
    expected,
    find,
    itemOf,
    onShown,
  }: {
    limit: number;
    /** What all items of a page may weigh; the first is always shown. */
    budget: number;
    cursor: string | undefined;
    expected: number | null;
    /** The run to show for a run of the list; null for none. */
    find: (state: GroupRunState) => Promise<GroupRunState | null>;
    itemOf: (found: GroupRunState) => { item: Item; weight: number };
    onShown: (found: readonly GroupRunState[]) => Promise<void>;
  },
): Promise<ListPage<Item>> {
  const place = readCursor(cursor);
  let first = place.first;
  const items: Item[] = [];
  const seen = new Set<string>();
  const unreadable = new Set<string>();
  let { lastEventId } = place;
  let left = budget;
  let missingReason: string | null = null;
  let fruitless = 0;
  const unnoted: GroupRunState[] = [];

  const missing = (): number | null =>
    expected === null || place.shown === null
      ? missingReason === null
        ? 0
        : null
      : Math.max(0, expected - place.shown - items.length);
  const nextCursor = (): string | null => {
    if (lastEventId === undefined) return null;
    return place.shown === null
      ? lastEventId
      : `${place.shown + items.length}~${first}~${lastEventId}`;
  };
  const page = (isCut: boolean): ListPage<Item> => ({
    items,
    before: place.shown,
    isCut,
    nextCursor: isCut ? nextCursor() : null,
    missing: isCut ? 0 : missing(),
    missingReason,
    unreadable: [...unreadable],
  });

  for (let streams = 0; streams < MAX_STREAMS && fruitless < FRUITLESS_STREAMS; streams += 1) {
    const before = items.length;
    // When the backend ignores the cursor and starts the list anew: the number of rows that earlier pages have shown.
    let shownBefore = 0;
    missingReason = null;
    try {
      for await (const event of open(lastEventId)) {
        if (event.type !== "task_run.state") {
          missingReason = "The backend reported an error in its list of runs.";
          continue;
        }
        const { run_id } = event.run;
        const found = seen.has(run_id) ? null : await find(event);
        if (found !== null && run_id === place.first) shownBefore = place.shown ?? 0;
        if (found !== null && shownBefore > 0) {
          shownBefore -= 1;
        } else if (found !== null) {
          if (first === "") first = run_id;
          const { item, weight } = itemOf(found);
          left -= weight;
          if (items.length > 0 && (left < 0 || items.length === limit)) {
            missingReason = null;
            await onShown(unnoted.splice(0));
            return page(true);
          }
          items.push(item);
          unnoted.push(found);
          if (unnoted.length === NOTED_AT_ONCE) await onShown(unnoted.splice(0));
          seen.add(run_id);
          for (const path of unreadableOf(found)) unreadable.add(path);
        }
        lastEventId = event.event_id || lastEventId;
      }
    } catch (error) {
      if (!(error instanceof TaskApiError)) throw error;
      missingReason = error.message;
      // Other failures were waited for already, and would only be met again.
      if (!(error instanceof BackendUnreachable)) break;
    }
    if (missing() === 0) break;
    fruitless = items.length > before ? 0 : fruitless + 1;
  }
  await onShown(unnoted.splice(0));
  const isWhole = missing() === 0;
  if (isWhole) missingReason = null;
  return {
    ...page(false),
    nextCursor: isWhole || items.length === 0 ? null : nextCursor(),
  };
}

/**
 * A cursor has the number of rows before it, so that the last page knows whether any are missing, and the id of the
 * first of them, to detect a list that starts anew.
 */
function readCursor(cursor: string | undefined): {
  shown: number | null;
  first: string;
  lastEventId: string | undefined;
} {
  if (cursor === undefined) return { shown: 0, first: "", lastEventId: undefined };
  const [, shown, first = "", id] = /^(\d{1,9})~([^~]*)~(.+)$/s.exec(cursor) ?? [];
  return shown === undefined
    ? { shown: null, first, lastEventId: cursor }
    : { shown: Number(shown), first, lastEventId: id };
}
