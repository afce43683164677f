import type { RunReport } from "../../mcp/report/run-report.ts";
import {
  type ListedRun,
  listEntriesNow,
  listedRun,
  spendingOf,
  unknownNotes,
} from "../../mcp/runs/list-runs.ts";
import {
  STATUS_RULE,
  TIME_RULE,
  readStatuses,
  readTime,
} from "../../mcp/arguments/filter-words.ts";
import { statusFilter } from "../../mcp/report/list-report.ts";
import { ledgerNotes } from "../../mcp/runs/backend.ts";
import type { BackendConfig } from "../../config.ts";
import { shownJson } from "../../mcp/report/text.ts";
import { cleanLine } from "../../text/clean-text.ts";
import { ExitCode } from "../exit-code.ts";
import { UsageError } from "../../runtime/usage-error.ts";
import { openBackend } from "../wiring/open-backend.ts";
import { isTerminal } from "../terminal/progress-view.ts";
import { runsTable } from "../terminal/run-text.ts";
import { type RunsContext, openCall } from "./tool-context.ts";
import { notesOnRunsWithoutWorker } from "../wiring/runs-without-worker.ts";

export interface RunsCommandOptions extends RunsContext {
  status: string | undefined;
  /** Words that the question contains. */
  text: string | undefined;
  /** The earliest start. */
  since: string | undefined;
  limit: string;
  json: boolean;
}

/** The largest page of `list_task_runs`. */
const PAGE_ROWS = 50;

/** `task-run-mcp runs`: the runs that were started here, newest first, with their present status. */
export async function runsCommand(options: RunsCommandOptions): Promise<ExitCode> {
  const { stdout, stderr } = options;
  const limit = readLimit(options.limit);
  const statuses = readStatuses(options.status ?? "");
  if (statuses === null) throw new UsageError(`--status: ${STATUS_RULE}`);
  const sinceMs =
    options.since === undefined ? undefined : readTime(options.since, Date.now(), "since");
  if (sinceMs === null) throw new UsageError(`--since: ${TIME_RULE}`);
  const filter = {
    sinceMs,
    ...(statuses.length > 0 && { status: statusFilter(statuses) }),
    ...(options.text !== undefined && { text: options.text }),
  };
  const rows: ListedRun[] = [];
  const notes = new Set<string>();
  let more: string | null = null;
  let spending: RunReport["spending"];
  const backend = await openBackend(options.backend, options.bridge, {
    ...options,
    performsRuns: false,
  });
  try {
    const call = openCall(backend, options);
    do {
      const page = { limit: Math.min(limit - rows.length, PAGE_ROWS), cursor: more ?? undefined };
      const listed = await listEntriesNow(filter, page, call);
      rows.push(...listed.entries.map((entry) => listedRun(entry)));
      for (const note of [...listed.notes, ...unknownNotes(listed.entries)]) notes.add(note);
      more = listed.nextCursor;
    } while (more !== null && rows.length < limit);
    spending = await spendingOf(call);
    for (const note of ledgerNotes(backend)) notes.add(note);
  } finally {
    await backend.close();
  }

  const runIds = rows.flatMap(({ run_id: id }) => id ?? []);
  const withoutWorker = await notesOnRunsWithoutWorker(
    runIds,
    options.backend,
    options.lookupOptions,
  );
  for (const note of withoutWorker) notes.add(note);
  if (options.json) {
    stdout.write(`${shownJson({ runs: rows, spending, notes: [...notes] }, 2)}\n`);
    return ExitCode.done;
  }
  if (rows.length === 0) stderr.write(`No run of ${ownerText(options.backend)} matches.\n`);
  else stdout.write(runsTable(rows, columnsOf(stdout)));
  if (more !== null) stderr.write("There are more runs: raise --limit to list them.\n");
  for (const note of notes) stderr.write(`Note: ${cleanLine(note)}\n`);
  if (rows.length > 0 && spending) stderr.write(`${spendingText(spending)}\n`);
  return ExitCode.done;
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw new UsageError("--limit: write a whole number, 1 or more.");
}

function columnsOf(stream: NodeJS.WritableStream): number | undefined {
  return isTerminal(stream) ? stream.columns : undefined;
}

/** The ledger separates backends and keys, so an empty list often means that another one was used. */
function ownerText(backend: BackendConfig): string {
  switch (backend.kind) {
    case "embedded":
      return "the built-in engine (set PARALLEL_API_KEY or PARALLEL_BASE_URL for those of another backend)";
    case "hosted":
    case "custom":
      return `the backend ${backend.baseUrl} with this key`;
  }
}

function spendingText(spending: NonNullable<RunReport["spending"]>): string {
  const { today_usd: today, active_usd: active, total_usd: total } = spending;
  const budget = spending.budget_usd_per_day;
  const of = budget === undefined ? "" : ` of $${budget}`;
  return `Spent today: $${today}${of}; in total: $${total}, of which $${active} for active runs.`;
}
