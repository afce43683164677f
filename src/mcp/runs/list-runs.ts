import { runsText, oneLine, timeText } from "../report/text.ts";
import {
  type EntryFilter,
  type EntryPage,
  type LedgerEntry,
  type LedgerRetry,
  UNKNOWN,
} from "../../ledger/ledger.ts";
import type { Backend } from "./backend.ts";
import type { Budgets } from "./budget.ts";
import type { OpenCall } from "./call-context.ts";
import { questionOf } from "../report/reading/rows.ts";
import { type RefreshContext, isOpen, refreshEntries } from "./refresh-entries.ts";
import type { RunReport, RunRow } from "../report/run-report.ts";
import { resolveEntries } from "./resolve-unknown.ts";

/** Before a filter by status is applied, this many runs that have not ended are read again. */
const MAX_OPEN = 5_000;
/** Each takes several requests to resolve. */
const MAX_UNKNOWN = 50;

/** A page of entries as the backend has them now, with notes about those that could not be read. Throws `InvalidCursor`. */
export async function listEntriesNow(
  filter: EntryFilter,
  page: { limit: number; cursor: string | undefined },
  call: RefreshContext,
): Promise<EntryPage & { notes: string[] }> {
  const { ledger } = call.backend;
  const first = await ledger.list({ ...filter, ...page });
  const open =
    filter.status === undefined
      ? first.entries.filter(isUnresolved)
      : await listOpen(filter, call.backend);
  const { notes, isChanged } = await refresh(open, call);
  return { ...(isChanged ? await ledger.list({ ...filter, ...page }) : first), notes };
}

/** Refreshes all entries that match the filter, so that counts over them are current. */
export async function refreshAll(filter: EntryFilter, call: RefreshContext): Promise<string[]> {
  return (await refresh(await listOpen(filter, call.backend), call)).notes;
}

function isUnresolved(entry: LedgerEntry): boolean {
  return entry.status === UNKNOWN || isOpen(entry);
}

/** The entries that may have changed since they were recorded. Each list is read from its own index. */
async function listOpen(filter: EntryFilter, { ledger }: Backend): Promise<LedgerEntry[]> {
  const lists = await Promise.all([
    ledger.list({ ...filter, status: "active", limit: MAX_OPEN }),
    ledger.list({ ...filter, status: ["action_required"], limit: MAX_OPEN }),
    ledger.list({ ...filter, status: [UNKNOWN], limit: MAX_UNKNOWN }),
  ]);
  return lists.flatMap(({ entries }) => entries);
}

async function refresh(
  entries: readonly LedgerEntry[],
  call: RefreshContext,
): Promise<{ notes: string[]; isChanged: boolean }> {
  if (entries.length === 0) return { notes: [], isChanged: false };
  await resolveEntries(entries, call);
  const { unseen, gone } = await refreshEntries(entries.filter(isOpen), call);
  return {
    isChanged: true,
    notes: [
      ...(unseen.length === 0
        ? []
        : [
            `States as of ${timeText(oldestTime(unseen))} for ${runsText(unseen.length)}: the backend did not answer in time.`,
          ]),
      ...(gone === 0 ? [] : [`The backend no longer has ${runsText(gone)}; shown as last seen.`]),
    ],
  };
}

function oldestTime(entries: readonly LedgerEntry[]): string {
  return entries.map(({ writtenAt }) => writtenAt).toSorted()[0] ?? "";
}

export type ListedRun = RunRow & { status: string };

/** An entry as a row of a list. */
export function listedRun(entry: LedgerEntry, retry?: LedgerRetry): ListedRun {
  const { runId, question, processor, priceUsd, createdAt, taskgroupId, percent, error } = entry;
  return {
    ...(runId !== null && { run_id: runId }),
    // A request that is being sent now is not lost.
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

/** Notes about entries whose request has no answer. The cost is mentioned only where runs cost something. */
export function unknownNotes(entries: readonly LedgerEntry[]): string[] {
  const unknown = entries.filter(({ status, isBeingSent }) => status === UNKNOWN && !isBeingSent);
  if (unknown.length === 0) return [];
  const isPriced = unknown.some(({ priceUsd }) => priceUsd !== 0);
  const may = isPriced ? "exist and be billed" : "exist";
  return [
    `${unknown.length} shown as unknown: the request was sent and its answer never arrived, so the run may ${may}. The user can look for it in the account's recent runs. Making the same call again with the same idempotency_key is safe.`,
  ];
}

/** The spending; undefined where nothing was spent and there is no budget. */
export async function spendingOf({
  backend,
  budgetUsdPerDay,
  ownBudgetUsdPerDay,
}: Budgets & Pick<OpenCall, "backend">): Promise<RunReport["spending"]> {
  const { todayUsd, totalUsd, activeUsd } = await backend.ledger.spending();
  const budget = ownBudgetUsdPerDay ?? budgetUsdPerDay;
  if (totalUsd === 0 && budget === undefined) return undefined;
  return {
    today_usd: todayUsd,
    active_usd: activeUsd,
    total_usd: totalUsd,
    ...(budget !== undefined && { budget_usd_per_day: budget }),
  };
}
