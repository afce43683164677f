import { z } from "zod";
import { RunNotFound, TaskApiError } from "../../client/errors.ts";
import type { LedgerEntry } from "../../ledger/ledger.ts";
import { InvalidCursor } from "../../ledger/errors.ts";
import { RunStatus } from "../../task-api/run.ts";
import { InvalidArguments } from "../argument-problems.ts";
import type { Backend } from "../backend.ts";
import { ledgerNotes } from "../ledger-notes.ts";
import { callText } from "../phrases.ts";
import { questionOf } from "../reading/group-rows.ts";
import { oneLine } from "../reading/page-text.ts";
import { AnyReport, RunReport, type RunRow } from "../run-report.ts";
import { settleEntries } from "../settle-unknown.ts";
import type { Tool, ToolContext } from "../tool.ts";
import { lookAtRun } from "../wait-for-run.ts";
import { TaskgroupId } from "./shared-arguments.ts";

const DEFAULT_ROWS = 20;
/** A page of this many rows stays under 10,000 tokens in both channels together. */
const MAX_ROWS = 50;
/** Enough to look at a page of active runs within moments, and no burden on a backend. */
const LOOKS_AT_ONCE = 8;
/** A list that waits longer for a slow backend helps less than one that is a little old. */
const LOOKS_MS = 5_000;

const Time = z.iso.datetime({ offset: true, error: "write a time such as 2026-11-24T09:00:00Z" });

const Arguments = z.object({
  status: z
    .enum(["active", "unknown", ...RunStatus.options], "write one of the statuses")
    .describe("unknown: sent, but the answer was lost.")
    .optional(),
  text: z
    .string("write a text")
    .min(1, "write a text")
    .describe("Words in the question.")
    .optional(),
  taskgroup_id: TaskgroupId.optional(),
  since: Time.describe("Started at or after this time (RFC 3339).").optional(),
  until: Time.optional(),
  limit: z
    .int("write a whole number")
    .min(1, "write 1 or more")
    .describe(`Default ${DEFAULT_ROWS}, at most ${MAX_ROWS}.`)
    .optional(),
  cursor: z.string("write a text").describe("next_cursor of the page before.").optional(),
});
type Arguments = z.infer<typeof Arguments>;

export const listTaskRuns: Tool<typeof Arguments> = {
  name: "list_task_runs",
  toolset: "runs",
  title: "List task runs",
  description:
    "The runs this server started, newest first, with what was spent: to find a run_id again, or to see what is going on. Starts nothing. Runs that others started on the same account are not in it.",
  input: Arguments,
  output: AnyReport.extend(RunReport.pick({ runs: true, next_cursor: true, spending: true }).shape),
  hints: { readOnly: true, destructive: false, idempotent: true, openWorld: false },

  async run(args, context) {
    const backend = await context.openBackend();
    let page = await readEntries(args, backend);
    if (await settleEntries(page.entries, backend, context.clock)) {
      page = await readEntries(args, backend);
    }
    const { entries, nextCursor } = page;
    const { rows, isOld } = await refresh(entries, backend, context);
    const { todayUsd, totalUsd, activeUsd } = await backend.ledger.spending();
    const budgetUsdPerDay = context.ownBudgetUsdPerDay ?? context.budgetUsdPerDay;
    const unknown = rows.filter(({ status }) => status === "unknown").length;
    const notes = [
      ...(isOld
        ? ["The backend did not answer for some active runs; they are shown as last seen."]
        : []),
      ...(unknown === 0
        ? []
        : [
            `${unknown} shown as unknown: the request was sent and its answer never arrived, so the run may exist and be billed. The user can look for it in the account's recent runs. Making the same call again with the same idempotency_key is safe.`,
          ]),
      ...ledgerNotes(backend),
    ];
    return {
      summary: describeRows(rows.length),
      next_step: nextStep(args, rows, nextCursor),
      ...(notes.length > 0 && { notes }),
      runs: rows,
      ...(nextCursor !== null && { next_cursor: nextCursor }),
      spending: {
        today_usd: todayUsd,
        active_usd: activeUsd,
        total_usd: totalUsd,
        ...(budgetUsdPerDay !== undefined && { budget_usd_per_day: budgetUsdPerDay }),
      },
    };
  },
};

async function readEntries(args: Arguments, { ledger }: Backend) {
  const { status, text, taskgroup_id: taskgroupId, since, until, cursor } = args;
  try {
    return await ledger.list({
      status: status === undefined || status === "active" ? status : [status],
      text,
      taskgroupId,
      sinceMs: since === undefined ? undefined : Date.parse(since),
      untilMs: until === undefined ? undefined : Date.parse(until),
      cursor,
      limit: Math.min(args.limit ?? DEFAULT_ROWS, MAX_ROWS),
    });
  } catch (error) {
    if (!(error instanceof InvalidCursor)) throw error;
    const fix = "write the next_cursor of an earlier page of the same list, or leave it out";
    throw new InvalidArguments([{ argument: "cursor", fix }]);
  }
}

/** The entries as rows; the active ones as the backend has them now, as far as it answers in time. */
async function refresh(
  entries: readonly LedgerEntry[],
  backend: Backend,
  context: ToolContext,
): Promise<{ rows: RunRow[]; isOld: boolean }> {
  const timeUp = new AbortController();
  const timer = new AbortController();
  // The only rejection is the sleep that the last answer interrupts.
  context.clock.sleep(LOOKS_MS, timer.signal).then(
    () => timeUp.abort(),
    () => {},
  );
  const signal = AbortSignal.any([context.callerLeft, timeUp.signal]);
  const rows = entries.map(rowOf);
  const waiting = entries.flatMap(({ runId, isActive }, index) =>
    isActive && runId !== null ? [{ runId, index }] : [],
  );
  let isOld = false;
  async function lookAtNext(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { runId, index } = next;
      try {
        const { run } = await lookAtRun(backend, runId, signal);
        const row = rows[index];
        if (row !== undefined) {
          rows[index] = {
            ...row,
            status: oneLine(run.status, 100),
            ...errorOf(run.error?.message),
          };
        }
      } catch (error) {
        context.callerLeft.throwIfAborted();
        if (!signal.aborted && !(error instanceof TaskApiError)) throw error;
        // One that the backend no longer has is not late news.
        if (!(error instanceof RunNotFound)) isOld = true;
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, lookAtNext));
  } finally {
    timer.abort();
  }
  return { rows, isOld };
}

function rowOf(entry: LedgerEntry): RunRow {
  return {
    ...(entry.runId !== null && { run_id: entry.runId }),
    status: entry.status,
    question: questionOf(entry.question),
    processor: oneLine(entry.processor, 100),
    ...(entry.priceUsd !== null && { price_usd: entry.priceUsd }),
    created_at: entry.createdAt,
    ...(entry.taskgroupId !== null && { taskgroup_id: entry.taskgroupId }),
    ...(entry.isActive && entry.percent !== null && { percent: Math.round(entry.percent) }),
    ...errorOf(entry.error),
  };
}

function errorOf(message: string | null | undefined): Pick<RunRow, "error"> {
  return message ? { error: oneLine(message, 200) } : {};
}

function describeRows(count: number): string {
  switch (count) {
    case 0:
      return "No run fits.";
    case 1:
      return "1 run.";
    default:
      return `${count} runs, the newest first.`;
  }
}

function nextStep(args: Arguments, rows: readonly RunRow[], nextCursor: string | null): string {
  const more =
    nextCursor === null
      ? ""
      : ` More: ${callText("list_task_runs", { ...args, cursor: nextCursor })}.`;
  const first = rows.find(({ run_id }) => run_id !== undefined);
  if (first?.run_id === undefined) {
    return `Leave out a filter, or start a run with create_task_run.${more}`;
  }
  return `Read one with ${callText("get_task_run", { run_id: first.run_id })}.${more}`;
}
