import {
  type EntryFilter,
  type EntryPage,
  type LedgerEntry,
  type LedgerRetry,
  UNKNOWN,
} from "../../ledger/ledger.ts";
import type { Backend } from "./backend.ts";
import { questionOf } from "../report/reading/rows.ts";
import { oneLine, runsText, timeText } from "../report/text.ts";
import { isOpen, refreshEntries } from "./refresh-entries.ts";
import type { RunReport, RunRow } from "../report/run-report.ts";
import { settleEntries } from "./resolve-unknown.ts";
import type { ToolContext } from "../tool.ts";

/** A filter is held against what is true now of this many runs that are not over. */
const MAX_OPEN = 5_000;
/** To find out what became of one costs requests of its own. */
const MAX_UNKNOWN = 50;

type ListingContext = Pick<ToolContext, "callerLeft" | "clock">;

/** A page of entries as they are now, with what to say about those that could not be seen. Throws `InvalidCursor`. */
export async function listEntriesNow(
  filter: EntryFilter,
  page: { limit: number; cursor: string | undefined },
  backend: Backend,
  context: ListingContext,
): Promise<EntryPage & { notes: string[] }> {
  const { ledger } = backend;
  const first = await ledger.list({ ...filter, ...page });
  const open =
    filter.status === undefined
      ? first.entries.filter(isUnsettled)
      : await listOpen(filter, backend);
  const { notes, isChanged } = await bringUpToDate(open, backend, context);
  return { ...(isChanged ? await ledger.list({ ...filter, ...page }) : first), notes };
}

/** The same for whatever is derived from all entries that fit. */
export async function refreshAll(
  filter: EntryFilter,
  backend: Backend,
  context: ListingContext,
): Promise<string[]> {
  return (await bringUpToDate(await listOpen(filter, backend), backend, context)).notes;
}

function isUnsettled(entry: LedgerEntry): boolean {
  return entry.status === UNKNOWN || isOpen(entry);
}

/** The entries that may have changed, whatever status is asked for. Each list is read from an index of its own. */
async function listOpen(filter: EntryFilter, { ledger }: Backend): Promise<LedgerEntry[]> {
  const lists = await Promise.all([
    ledger.list({ ...filter, status: "active", limit: MAX_OPEN }),
    ledger.list({ ...filter, status: ["action_required"], limit: MAX_OPEN }),
    ledger.list({ ...filter, status: [UNKNOWN], limit: MAX_UNKNOWN }),
  ]);
  return lists.flatMap(({ entries }) => entries);
}

async function bringUpToDate(
  entries: readonly LedgerEntry[],
  backend: Backend,
  context: ListingContext,
): Promise<{ notes: string[]; isChanged: boolean }> {
  if (entries.length === 0) return { notes: [], isChanged: false };
  await settleEntries(entries, backend, context.clock);
  const { unseen, gone } = await refreshEntries(entries.filter(isOpen), backend, context);
  return {
    isChanged: true,
    notes: [
      ...(unseen.length === 0
        ? []
        : [
            `States as of ${timeText(oldestLook(unseen))} for ${runsText(unseen.length)}: the backend did not answer in time.`,
          ]),
      ...(gone === 0 ? [] : [`The backend no longer has ${runsText(gone)}; shown as last seen.`]),
    ],
  };
}

function oldestLook(entries: readonly LedgerEntry[]): string {
  return entries.map(({ writtenAt }) => writtenAt).toSorted()[0] ?? "";
}

export type ListedRun = RunRow & { status: string };

/** An entry as a row of a list. */
export function listedRun(entry: LedgerEntry, retry?: LedgerRetry): ListedRun {
  const { runId, question, processor, priceUsd, createdAt, taskgroupId, percent, error } = entry;
  return {
    ...(runId !== null && { run_id: runId }),
    // What is being sent now is not lost.
    status: entry.isBeingSent ? "sending" : oneLine(entry.status, 100),
    question: questionOf(question),
    processor: oneLine(processor, 100),
    ...(priceUsd !== null && { price_usd: priceUsd }),
    created_at: timeText(createdAt),
    ...(taskgroupId !== null && { taskgroup_id: taskgroupId }),
    ...(entry.isActive && percent !== null && { percent: Math.round(percent) }),
    ...(error ? { error: oneLine(error, 200) } : {}),
    ...(retry && { retried_as: oneLine(retry.runId, 100) }),
  };
}

/** What to know of entries whose request has no answer. Of a run that costs nothing, no bill is spoken of. */
export function unknownNotes(entries: readonly LedgerEntry[]): string[] {
  const unknown = entries.filter(({ status, isBeingSent }) => status === UNKNOWN && !isBeingSent);
  if (unknown.length === 0) return [];
  const isPriced = unknown.some(({ priceUsd }) => priceUsd !== 0);
  const may = isPriced ? "exist and be billed" : "exist";
  return [
    `${unknown.length} shown as unknown: the request was sent and its answer never arrived, so the run may ${may}. The user can look for it in the account's recent runs. Making the same call again with the same idempotency_key is safe.`,
  ];
}

/** What was spent; undefined where nothing was and there is no budget. */
export async function spendingOf(
  { ledger }: Backend,
  {
    budgetUsdPerDay,
    ownBudgetUsdPerDay,
  }: Pick<ToolContext, "budgetUsdPerDay" | "ownBudgetUsdPerDay">,
): Promise<RunReport["spending"]> {
  const { todayUsd, totalUsd, activeUsd } = await ledger.spending();
  const budget = ownBudgetUsdPerDay ?? budgetUsdPerDay;
  if (totalUsd === 0 && budget === undefined) return undefined;
  return {
    today_usd: todayUsd,
    active_usd: activeUsd,
    total_usd: totalUsd,
    ...(budget !== undefined && { budget_usd_per_day: budget }),
  };
}
