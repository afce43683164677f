import { readingNotes } from "../../mcp/report/build-run-report.ts";
import { readRun } from "../../mcp/runs/read-run.ts";
import { isGroupId, shownJson } from "../../mcp/report/text.ts";
import { RunId } from "../../mcp/tools/arguments/shared-arguments.ts";
import { cleanLine } from "../../text/clean-text.ts";
import { ExitCode } from "../exit-code.ts";
import { UsageError } from "../../runtime/usage-error.ts";
import { openBackend } from "../wiring/open-backend.ts";
import { answerText, readReason } from "../terminal/run-text.ts";
import { type RunsContext, drawProgress, openCall } from "./tool-context.ts";
import { notesOnRunsWithoutWorker } from "../wiring/runs-without-worker.ts";

export interface GetCommandOptions extends RunsContext {
  runId: string;
  waitSeconds: string;
  json: boolean;
}

/** A day: longer than any run. */
const MAX_WAIT_SECONDS = 86_400;

/** `task-run-mcp get`: status, and of a completed run the answer with its sources. */
export async function getCommand(options: GetCommandOptions): Promise<ExitCode> {
  const runId = readRunId(options.runId);
  const seconds = readSeconds(options.waitSeconds);
  try {
    return await showRun(runId, seconds, options);
  } finally {
    // Also when the user stops waiting: this process may have been the one that performed it.
    const notes = await notesOnRunsWithoutWorker([runId], options.backend, options.repeatedOptions);
    for (const note of notes) options.stderr.write(`Note: ${cleanLine(note)}\n`);
  }
}

async function showRun(
  runId: string,
  seconds: number,
  options: GetCommandOptions,
): Promise<ExitCode> {
  const { stdout, stderr } = options;
  // To wait for a run is to perform it, where no other process does.
  const opening = { ...options, performsRuns: seconds > 0 };
  const backend = await openBackend(options.backend, options.bridge, opening);
  try {
    const call = await openCall(backend, options, () => drawProgress(stderr));
    const reading = { waitSeconds: seconds, include: "answer", orLedger: true } as const;
    const { seen, notes } = await readRun(runId, reading, call);
    const { run, output } = seen;
    const { reason, warnings } = readReason(run);
    const isWithoutOutput = !run.is_active && output === null;
    if (options.json) {
      stdout.write(`${shownJson({ run, output }, 2)}\n`);
    } else {
      const state = [run.status, ...(reason === null ? [] : [reason])].join(": ");
      stderr.write(`${cleanLine(`Run ${run.run_id} is ${state}`)}\n`);
      if (output !== null) stdout.write(`${answerText(output)}\n`);
    }
    const unread = readingNotes(seen);
    if (isWithoutOutput && run.status === "completed" && unread.length === 0) {
      unread.push("The backend holds no output of it.");
    }
    for (const note of [...notes, ...unread, ...warnings])
      stderr.write(`Note: ${cleanLine(note)}\n`);
    return isWithoutOutput ? ExitCode.failed : ExitCode.done;
  } finally {
    await backend.close();
  }
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== "" && seconds >= 0 && seconds <= MAX_WAIT_SECONDS) return seconds;
  throw new UsageError(`--wait: write a number of seconds, 0 to ${MAX_WAIT_SECONDS}.`);
}

/** The run that an argument names. Throws {@link UsageError}. */
export function readRunId(text: string): string {
  const parsed = RunId.safeParse(text);
  if (parsed.success) return parsed.data;
  if (isGroupId(text.trim())) {
    throw new UsageError(
      "this is the id of a task group, which an agent reads with get_task_group; its runs are in `task-run-mcp runs`.",
    );
  }
  throw new UsageError("write one run id, as `task-run-mcp runs` shows it.");
}
