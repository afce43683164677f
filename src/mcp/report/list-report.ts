import type { EntryCount, EntryFilter } from "../../ledger/ledger.ts";
import { callText, oneLine, shownJson, timeText } from "./text.ts";
import { readStatuses, readTime, runStatuses } from "../arguments/filter-words.ts";

/** Default and largest number per page: both channels of a page stay under 10,000 tokens. */
export const PAGES = {
  runs: { usual: 20, most: 50 },
  ids: { usual: 200, most: 500 },
  groups: { usual: 20, most: 50 },
} as const;
type ListView = keyof typeof PAGES;

/** A request for a page of the list. */
export interface Listing {
  filter: EntryFilter;
  /** The filter as arguments of the next call; times are absolute. */
  named: Record<string, string>;
  view: ListView;
  limit: number;
  position: { cursor: string | undefined; shown: number };
}

interface ListArguments {
  status?: string | undefined;
  text?: string | undefined;
  taskgroup_id?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  view?: ListView | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}

export function readListing(args: ListArguments, nowMs: number): Listing {
  const { text, taskgroup_id: taskgroupId, view = "runs" } = args;
  const statuses = args.status === undefined ? [] : (readStatuses(args.status) ?? []);
  const sinceMs = args.since === undefined ? null : readTime(args.since, nowMs, "since");
  const untilMs = args.until === undefined ? null : readTime(args.until, nowMs, "until");
  const [, cursor, shown = ""] = /^([^.]*)(?:\.(\d{1,9}))?$/s.exec(args.cursor ?? "") ?? [];
  return {
    filter: {
      ...(statuses.length > 0 && { status: statusFilter(statuses) }),
      ...(text !== undefined && { text }),
      ...(taskgroupId !== undefined && { taskgroupId }),
      ...(sinceMs !== null && { sinceMs }),
      ...(untilMs !== null && { untilMs }),
    },
    named: {
      ...(statuses.length > 0 && { status: statuses.join(",") }),
      ...(text !== undefined && { text }),
      ...(taskgroupId !== undefined && { taskgroup_id: taskgroupId }),
      ...(sinceMs !== null && { since: timeText(new Date(sinceMs).toISOString()) }),
      ...(untilMs !== null && { until: timeText(new Date(untilMs).toISOString()) }),
    },
    view,
    limit: Math.min(args.limit ?? PAGES[view].usual, PAGES[view].most),
    position: {
      cursor: args.cursor === undefined ? undefined : (cursor ?? args.cursor),
      shown: Number(shown),
    },
  };
}

/** `active` alone has an index of its own; with other statuses it is expanded. */
export function statusFilter(statuses: readonly string[]): EntryFilter["status"] {
  if (statuses.length === 1 && statuses[0] === "active") return "active";
  return runStatuses(statuses);
}

export function listSummary(
  total: EntryCount,
  onPage: number,
  group: string | undefined,
  listing: Listing,
): string {
  const { named, position, filter } = listing;
  const { status } = named;
  if (total.count === 0 && position.cursor === undefined) return emptyListText(named);
  const count = [
    ...(total.isAtLeast ? ["At least"] : []),
    total.count,
    ...(status === undefined ? [] : [status.replaceAll(",", " or ")]),
    total.count === 1 ? "run" : "runs",
    ...(filter.taskgroupId === undefined ? [] : [`of group ${filter.taskgroupId}`]),
  ].join(" ");
  const all =
    group === undefined || filter.taskgroupId !== undefined
      ? ""
      : ` (all of group ${oneLine(group, 100)})`;
  if (onPage === total.count && !total.isAtLeast) {
    return `${count}${all}${onPage > 1 ? ", newest first" : ""}.`;
  }
  const isPositionKnown = position.cursor === undefined || position.shown > 0;
  const range = isPositionKnown
    ? `${position.shown + 1} to ${position.shown + onPage}`
    : String(onPage);
  return `${count}, ${range} shown${all}, newest first.`;
}

export function emptyListText(named: Listing["named"]): string {
  const filters = Object.entries(named).map(
    ([name, value]) => `${name} ${name === "text" ? shownJson(oneLine(value, 100)) : value}`,
  );
  return filters.length === 0 ? "No run was started yet." : `No run fits: ${filters.join(", ")}.`;
}

export function listNextStep(
  reader: "get_task_run" | "get_task_group" | null,
  { named, view, limit, filter }: Listing,
  nextCursor: string | null,
): string {
  const more =
    nextCursor === null
      ? ""
      : ` More: ${callText("list_task_runs", {
          ...named,
          ...(view !== "runs" && { view }),
          ...(limit !== PAGES[view].usual && { limit }),
          cursor: nextCursor,
        })}.`;
  if (reader !== null) {
    const id = reader === "get_task_run" ? "run_id" : "taskgroup_id";
    return `Read one with ${reader} and its ${id}.${more}`;
  }
  const isFiltered = Object.keys(filter).length > 0;
  return `${isFiltered ? "Leave out a filter, or start" : "Start"} a run with create_task_run.${more}`;
}
