import type { RunReport } from "../mcp/run-report.ts";
import { listTaskRuns } from "../mcp/tools/list-task-runs.ts";
import type { BackendConfig } from "../config.ts";
import { shownJson } from "../mcp/phrases.ts";
import { cleanLine } from "../text/clean-text.ts";
import { ExitCode, UsageError } from "./exit-code.ts";
import { openBackend } from "./open-backend.ts";
import { isTerminal } from "./terminal/progress-view.ts";
import { runsTable } from "./terminal/runs-table.ts";
import { type RunsContext, createToolContext } from "./tool-context.ts";
import { unperformedNotes } from "./unperformed.ts";

export interface RunsCommandOptions extends RunsContext {
  status: string | undefined;
  /** Stands in the question. */
  text: string | undefined;
  limit: string;
  json: boolean;
}

/** As many as the tool gives at once. */
const PAGE_ROWS = 50;

/** `task-run-mcp runs`: the runs that were started here, newest first, as the backend has them now. */
export async function runsCommand(options: RunsCommandOptions): Promise<ExitCode> {
  const { stdout, stderr } = options;
  const limit = readLimit(options.limit);
  const query = listTaskRuns.input.safeParse({ status: options.status, text: options.text });
  if (!query.success) {
    const [issue] = query.error.issues;
    throw new UsageError(`--${issue?.path.join(".") ?? "status"}: ${issue?.message ?? "unusable"}`);
  }
  const rows: NonNullable<RunReport["runs"]> = [];
  let report: RunReport | undefined;
  const opening = { ...options, performsRuns: false };
  const backend = await openBackend(options.backend, options.bridge, opening);
  try {
    const context = createToolContext(backend, options);
    do {
      const page = Math.min(limit - rows.length, PAGE_ROWS);
      const cursor = report?.next_cursor;
      report = await listTaskRuns.run({ ...query.data, limit: page, cursor }, context);
      rows.push(...(report.runs ?? []));
    } while (report.next_cursor !== undefined && rows.length < limit);
  } finally {
    await backend.close();
  }

  const { spending, next_cursor: more } = report;
  const runIds = rows.flatMap(({ run_id: id }) => id ?? []);
  const unperformed = await unperformedNotes(runIds, options.backend, options.repeatedOptions);
  const notes = [...(report.notes ?? []), ...unperformed];
  if (options.json) {
    stdout.write(`${shownJson({ runs: rows, spending, notes }, 2)}\n`);
    return ExitCode.done;
  }
  if (rows.length === 0) stderr.write(`No run of ${whose(options.backend)} fits.\n`);
  else stdout.write(runsTable(rows, columnsOf(stdout)));
  if (more !== undefined) stderr.write("There are more: --limit shows them.\n");
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

/** Runs are remembered by backend and account: an empty list is often that of another one. */
function whose(backend: BackendConfig): string {
  switch (backend.kind) {
    case "embedded":
      return "the built-in engine (with PARALLEL_API_KEY or PARALLEL_BASE_URL set: of that backend)";
    case "hosted":
    case "custom":
      return `the backend ${backend.baseUrl} with this key`;
  }
}

function spendingText(spending: NonNullable<RunReport["spending"]>): string {
  const { today_usd: today, active_usd: active, total_usd: total } = spending;
  const budget = spending.budget_usd_per_day;
  const of = budget === undefined ? "" : ` of $${budget}`;
  return `Spent today: $${today}${of}; in all: $${total}, of which $${active} for runs that go on.`;
}
