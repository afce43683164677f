import type { z } from "zod";
import { InvalidRequest } from "../../client/errors.ts";
import { InvalidArguments } from "../../mcp/arguments/argument-problems.ts";
import { documentWithPassages } from "../../mcp/report/report-text.ts";
import { readPassages } from "../../mcp/runs/read-passages.ts";
import { getTaskRun } from "../../mcp/tools/get-task-run.ts";
import { readingNotes } from "../../mcp/report/build-run-report.ts";
import { readRun } from "../../mcp/runs/read-run.ts";
import { isGroupId, shownJson } from "../../mcp/report/text.ts";
import { RunId } from "../../mcp/tools/arguments/shared-arguments.ts";
import { cleanLine, cleanText } from "../../text/clean-text.ts";
import { ExitCode } from "../exit-code.ts";
import { UsageError } from "../../runtime/usage-error.ts";
import { openBackend } from "../wiring/open-backend.ts";
import { answerText, readReason } from "../terminal/run-text.ts";
import { type RunsContext, drawProgress, openCall } from "./tool-context.ts";
import { notesOnRunsWithoutWorker } from "../wiring/runs-without-worker.ts";

export interface GetCommandOptions extends RunsContext {
  runId: string;
  waitSeconds: string;
  /** Reads on in the sources instead of the answer. */
  passage: string | undefined;
  around: string | undefined;
  json: boolean;
}

/** A day is longer than any run. */
const MAX_WAIT_SECONDS = 86_400;

/** `task-run-mcp get`: the status of a run, and its answer with sources when it is completed. */
export async function getCommand(options: GetCommandOptions): Promise<ExitCode> {
  const runId = readRunId(options.runId);
  const seconds = readSeconds(options.waitSeconds);
  if (options.passage !== undefined) return showPassages(runId, options.passage, options);
  try {
    return await showRun(runId, seconds, options);
  } finally {
    // Check also after an interrupt: the engine of this process may have been the run's worker.
    const notes = await notesOnRunsWithoutWorker([runId], options.backend, options.lookupOptions);
    for (const note of notes) options.stderr.write(`Note: ${cleanLine(note)}\n`);
  }
}

async function showRun(
  runId: string,
  seconds: number,
  options: GetCommandOptions,
): Promise<ExitCode> {
  const { stdout, stderr } = options;
  // Waiting makes this process a worker, because there may be no other one.
  const opening = { ...options, performsRuns: seconds > 0 };
  const backend = await openBackend(options.backend, options.bridge, opening);
  try {
    const call = openCall(backend, options, () => drawProgress(stderr));
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
      unread.push("The backend has no output of this run.");
    }
    for (const note of [...notes, ...unread, ...warnings])
      stderr.write(`Note: ${cleanLine(note)}\n`);
    return isWithoutOutput ? ExitCode.failed : ExitCode.done;
  } finally {
    await backend.close();
  }
}

/** Prints passages that the run has read. Throws {@link UsageError} for a passage that there is not. */
async function showPassages(
  runId: string,
  passage: string,
  options: GetCommandOptions,
): Promise<ExitCode> {
  const { stdout, stderr } = options;
  const asked = readOption("--passage", passage, getTaskRun.input.shape.passage) ?? "";
  const around = readOption("--around", Number(options.around ?? 2), getTaskRun.input.shape.around);
  const backend = await openBackend(options.backend, options.bridge, options);
  try {
    const selection = { asked, around: around ?? 0, offset: 0 };
    const report = await readPassages(runId, selection, openCall(backend, options));
    const { summary, documents = [] } = report;
    stderr.write(`${summary}\n`);
    const text = options.json
      ? shownJson(documents, 2)
      : cleanText(documents.map(documentWithPassages).join("\n\n"));
    stdout.write(`${text}\n`);
    return ExitCode.done;
  } catch (error) {
    if (error instanceof InvalidArguments) throw new UsageError(error.message);
    if (!(error instanceof InvalidRequest)) throw error;
    throw new UsageError(error.problems.map(({ msg }) => msg).join("; ") || error.message);
  } finally {
    await backend.close();
  }
}

function readOption<Value>(name: string, given: unknown, schema: z.ZodType<Value>): Value {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new UsageError(`${name}: ${parsed.error.issues.map(({ message }) => message).join("; ")}.`);
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
      "this is the id of a task group. `task-run-mcp runs` lists its runs; agents read the group with get_task_group.",
    );
  }
  throw new UsageError("write one run id, as shown by `task-run-mcp runs`.");
}
