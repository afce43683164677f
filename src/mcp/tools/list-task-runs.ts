import { z } from "zod";
import { InvalidCursor } from "../../ledger/errors.ts";
import { UNBILLED } from "../../ledger/spending.ts";
import { InvalidArguments } from "../arguments/argument-problems.ts";
import { ledgerNotes } from "../runs/backend.ts";
import type { OpenCall } from "../runs/call-context.ts";
import {
  listEntriesNow,
  refreshAll,
  listedRun,
  spendingOf,
  unknownNotes,
} from "../runs/list-runs.ts";
import {
  type Listing,
  PAGES,
  listSummary,
  listNextStep,
  emptyListText,
  readListing,
} from "../report/list-report.ts";
import { oneLine, runsText, timeText } from "../report/text.ts";
import { AnyReport, RunReport, type RunRow } from "../report/run-report.ts";
import { TIME_RULE, readTime } from "../arguments/filter-words.ts";
import type { Tool } from "../tool.ts";
import { StatusWords, TaskgroupId } from "./arguments/shared-arguments.ts";

const Time = z
  .string(TIME_RULE)
  .refine((text) => readTime(text, 0, "since") !== null, { error: TIME_RULE });

const Arguments = z.object({
  status: StatusWords.describe(
    "active, queued, running, action_required, completed, failed, cancelled; unknown: its answer was lost.",
  ).optional(),
  text: z
    .string("write a text")
    .min(1, "write a text")
    .describe("Words in the question.")
    .optional(),
  taskgroup_id: TaskgroupId.describe("Of this group.").optional(),
  since: Time.describe("Started then or later: today, 2h, 2026-11-24 or RFC 3339.").optional(),
  until: Time.describe("Started before this time.").optional(),
  view: z
    .enum(["runs", "ids", "groups"], "write runs, ids or groups")
    .describe("ids only, or one row per group.")
    .optional(),
  limit: z
    .int("write a whole number")
    .min(1, "write 1 or more")
    .describe(`Default ${PAGES.runs.usual}, at most ${PAGES.runs.most}; ids ${PAGES.ids.most}.`)
    .optional(),
  cursor: z.string("write a text").describe("next_cursor of the page before.").optional(),
});

export const listTaskRuns: Tool<typeof Arguments> = {
  name: "list_task_runs",
  toolset: "runs",
  title: "List task runs",
  description:
    "The runs this server started, newest first, and what was spent: to find a run_id, or what goes on.",
  input: Arguments,
  otherNames: { group_id: "taskgroup_id", query: "text", state: "status" },
  output: AnyReport.extend(
    RunReport.pick({ runs: true, run_ids: true, next_cursor: true, spending: true }).shape,
  ),
  hints: { readOnly: true, destructive: false, idempotent: true, openWorld: false },

  async run(args, context) {
    const call = await context.open();
    const listing = readListing(args, context.clock.now());
    const { most } = PAGES[listing.view];
    const lowered =
      (args.limit ?? 0) > most ? [`limit lowered to ${most}, the most a page has.`] : [];
    const { notes = [], ...report } = await listFor(listing, call);
    const spending = await spendingOf(call);
    const all = [...lowered, ...notes, ...ledgerNotes(call.backend)];
    return {
      ...report,
      ...(all.length > 0 && { notes: all }),
      ...(spending !== undefined && { spending }),
    };
  },
};

async function listFor(listing: Listing, call: OpenCall): Promise<RunReport> {
  try {
    return listing.view === "groups"
      ? await listGroups(listing, call)
      : await listRuns(listing, call);
  } catch (error) {
    if (!(error instanceof InvalidCursor)) throw error;
    const fix = "write the next_cursor of an earlier page of the same list, or leave it out";
    throw new InvalidArguments([{ argument: "cursor", fix }]);
  }
}

async function listRuns(listing: Listing, call: OpenCall): Promise<RunReport> {
  const { ledger } = call.backend;
  const { filter, view, limit, position } = listing;
  const { cursor } = position;
  const page =
    view === "ids" && filter.status === undefined
      ? { ...(await ledger.list({ ...filter, limit, cursor })), notes: [] }
      : await listEntriesNow(filter, { limit, cursor }, call);
  // Requests that are being sent at this moment do not count as unknown.
  const entries = page.entries.filter(
    ({ isBeingSent }) => filter.status === undefined || !isBeingSent,
  );
  const shown = position.shown + entries.length;
  const total =
    page.nextCursor === null ? { count: shown, isAtLeast: false } : await ledger.count(filter);
  const nextCursor = page.nextCursor === null ? null : `${page.nextCursor}.${shown}`;
  const ids = entries.flatMap(({ runId }) => runId ?? []);
  const withoutId = entries.length - ids.length;
  const notes = [
    ...page.notes,
    ...(view === "ids" && withoutId > 0
      ? [`${runsText(withoutId)} without a known id left out.`]
      : []),
    ...unknownNotes(entries),
  ];
  const retried = await ledger.findRetriedAs(
    entries.flatMap(({ runId, status }) => (runId !== null && status === "failed" ? [runId] : [])),
  );
  const { rows, group } = withoutRepeats(
    entries.map((entry) => listedRun(entry, retried.get(entry.runId ?? ""))),
    listing,
  );
  return {
    summary: listSummary(total, entries.length, group, listing),
    next_step: listNextStep(ids.length > 0 ? "get_task_run" : null, listing, nextCursor),
    notes,
    ...(view === "ids" ? { run_ids: ids.map((id) => oneLine(id, 100)) } : { runs: rows }),
    ...(nextCursor !== null && { next_cursor: nextCursor }),
  };
}

/** The rows without values that all of them share, which the summary names, and without prices of 0. */
function withoutRepeats(
  rows: readonly RunRow[],
  { filter: { status, taskgroupId } }: Listing,
): { rows: RunRow[]; group: string | undefined } {
  const [first] = rows;
  const isOneGroup =
    taskgroupId !== undefined ||
    (rows.length > 1 && rows.every(({ taskgroup_id: id }) => id === first?.taskgroup_id));
  const isOneStatus = status !== undefined && status !== "active" && status.length === 1;
  return {
    rows: rows.map(({ status: state, price_usd: price, taskgroup_id: id, ...row }) => ({
      ...row,
      ...(!isOneStatus && { status: state }),
      ...(price !== undefined &&
        price > 0 &&
        !UNBILLED.includes(state ?? "") && { price_usd: price }),
      ...(id !== undefined && !isOneGroup && { taskgroup_id: id }),
    })),
    group: isOneGroup ? first?.taskgroup_id : undefined,
  };
}

/** One row per group; runs outside of groups are only counted. */
async function listGroups(listing: Listing, call: OpenCall): Promise<RunReport> {
  const { filter, limit, position } = listing;
  const { ledger } = call.backend;
  if (position.cursor !== undefined && position.cursor !== "groups") throw new InvalidCursor();
  const notes = await refreshAll(filter, call);
  const { groups, total } = await ledger.listGroups({ ...filter, limit, offset: position.shown });
  const single = await ledger.count({ ...filter, taskgroupId: filter.taskgroupId ?? null });
  const shown = position.shown + groups.length;
  const nextCursor = shown < total ? `groups.${shown}` : null;
  const isAll = groups.length === total;
  const range = isAll ? "newest first" : `${position.shown + 1} to ${shown} shown, newest first`;
  const named = total === 1 ? "1 group" : `${total} groups`;
  const apart =
    filter.taskgroupId !== undefined || single.count === 0
      ? ""
      : ` Besides${single.isAtLeast ? " at least" : ""} ${runsText(single.count)} outside of groups.`;
  return {
    summary:
      total === 0 && apart === "" ? emptyListText(listing.named) : `${named}, ${range}.${apart}`,
    next_step: listNextStep(groups.length > 0 ? "get_task_group" : null, listing, nextCursor),
    notes,
    runs: groups.map(({ taskgroupId, createdAt, counts }) => ({
      taskgroup_id: oneLine(taskgroupId, 100),
      created_at: timeText(createdAt),
      counts: Object.fromEntries(
        Object.entries(counts).map(([status, count]) => [oneLine(status, 100), count]),
      ),
    })),
    ...(nextCursor !== null && { next_cursor: nextCursor }),
  };
}
