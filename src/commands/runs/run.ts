import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { checkOutputSchema } from "../../task-api/schema/output-schema-rules.ts";
import { type RunInput, UndisputedRunInput } from "../../task-api/run-input.ts";
import { JsonObject } from "../../task-api/task-spec.ts";
import { cleanLine } from "../../text/clean-text.ts";
import { errorMessage } from "../../text/error-message.ts";
import { parseJson } from "../../text/json.ts";
import { shownJson } from "../../mcp/report/text.ts";
import { readingNotes } from "../../mcp/report/build-run-report.ts";
import { explainError } from "../../mcp/calls/explain-error.ts";
import { runStep, sourcesText } from "../../mcp/runs/observe-progress.ts";
import { startRun } from "../../mcp/runs/start-run.ts";
import { CostRefused } from "../../mcp/runs/cost-errors.ts";
import { cancelTaskRun } from "../../mcp/tools/cancel-task-run.ts";
import { doubtsAbout } from "../../mcp/tools/arguments/create-arguments.ts";
import { ExitCode } from "../exit-code.ts";
import { UsageError } from "../../runtime/usage-error.ts";
import { ENDED } from "./cancel.ts";
import { type Terminal, confirm, isInteractive } from "../terminal/confirm.ts";
import { type OpenBackend, openBackend } from "../wiring/open-backend.ts";
import { answerText, readReason } from "../terminal/run-text.ts";
import { createProgressView } from "../terminal/progress-view.ts";
import type { RunsContext } from "./tool-context.ts";
import { getCommandLine, notesOnRunsWithoutWorker } from "../wiring/runs-without-worker.ts";
import { openCall } from "./tool-context.ts";

export interface RunCommandOptions extends RunsContext {
  question: string;
  processor: string;
  /** A file with the JSON Schema of the answer. */
  outputSchemaFile: string | undefined;
  /** Print the result as JSON instead of text. */
  json: boolean;
  /** Answers whether to cancel an interrupted run. */
  stdin: Terminal["stdin"];
  stderr: Terminal["stdout"];
}

/** The time to answer whether to cancel: the process ends 10 s after the signal. */
const ANSWER_MS = 8_000;

/** `task-run-mcp run`: starts one run, shows its progress on stderr, and prints the answer on stdout. */
export async function runCommand(options: RunCommandOptions): Promise<ExitCode> {
  const { signal, stderr } = options;
  const input = await readRunInput(options);
  const backend = await openBackend(options.backend, options.bridge, options);
  let leftId: string | undefined;
  try {
    for (const doubt of doubtsAbout(input, backend)) stderr.write(`Note: ${cleanLine(doubt)}\n`);
    const runId = await start(input, backend, options);
    stderr.write(`Started ${cleanLine(runId)} on ${input.processor}\n`);
    try {
      const last = await follow(backend.followers.watch(runId, { signal }), stderr);
      await backend.ledger.record(runId, last);
      return report(last, options);
    } catch (error) {
      if (!signal.aborted) throw error;
      if (!(await askToCancel(runId, backend, options))) leftId = runId;
      return ExitCode.interrupted;
    }
  } catch (error) {
    if (!(error instanceof CostRefused)) throw error;
    const { summary } = explainError(error, { tool: "run", args: {} });
    stderr.write(`${summary}\n`);
    return ExitCode.failed;
  } finally {
    await backend.close();
    // The engine of this process was the worker of the run, and is closed now.
    const left = leftId === undefined ? [] : [leftId];
    const notes = await notesOnRunsWithoutWorker(left, options.backend, options.lookupOptions);
    for (const note of notes) stderr.write(`${cleanLine(note)}\n`);
  }
}

/** Starts the run. An interrupt does not abort the request: the user must learn whether the run costs money. */
async function start(
  input: RunInput,
  backend: OpenBackend,
  { bridge, signal, stderr, log }: RunCommandOptions,
): Promise<string> {
  const onInterrupt = () =>
    stderr.write(
      "Interrupted while the run is being started: waiting for its id. Ctrl-C again ends at once; `task-run-mcp runs` then shows whether it was started.\n",
    );
  signal.addEventListener("abort", onInterrupt, { once: true });
  try {
    const priceUsd = backend.prices.priceUsd(input.processor) ?? null;
    const request = { input, priceUsd, idempotencyKey: null };
    const { run } = await startRun(request, {
      backend,
      maxCostUsd: undefined,
      budgetUsdPerDay: bridge.budgetUsdPerDay,
      ownBudgetUsdPerDay: undefined,
      log: () => log,
    });
    return run.run_id;
  } finally {
    signal.removeEventListener("abort", onInterrupt);
  }
}

/** Says how to continue an interrupted run, and asks whether to cancel it. True when the run has ended. */
async function askToCancel(
  runId: string,
  backend: OpenBackend,
  { bridge, log, stdin, stderr, lookupOptions }: RunCommandOptions,
): Promise<boolean> {
  if (backend.kind === "embedded" && backend.ledgerFallbackReason !== null) {
    stderr.write("Stopped. The run was kept in memory and ends with this process.\n");
    return true;
  }
  const id = cleanLine(runId);
  const cancelLine = ["task-run-mcp cancel", id, ...lookupOptions].join(" ");
  stderr.write(
    [
      "Stopped waiting. The run was not cancelled.",
      `  To continue it:  ${getCommandLine(id, lookupOptions)}`,
      `  To cancel it:    ${cancelLine}`,
      "",
    ].join("\n"),
  );
  const terminal = { stdin, stdout: stderr };
  if (!isInteractive(terminal)) return false;
  // Do not use the signal of the process, which has aborted: the cancel must still reach the backend.
  const signal = AbortSignal.timeout(ANSWER_MS);
  const isConfirmed = await confirm("Cancel it now?", terminal, signal).catch(() => false);
  if (!isConfirmed) return false;
  const call = openCall(backend, { bridge, log, signal });
  const { summary, outcome } = await cancelTaskRun.run({ run_id: runId }, call);
  stderr.write(`${cleanLine(summary)}\n`);
  return ENDED.has(outcome);
}

async function follow(
  snapshots: AsyncIterable<RunSnapshot>,
  stderr: NodeJS.WritableStream,
): Promise<RunSnapshot> {
  const view = createProgressView(stderr);
  let last: RunSnapshot | undefined;
  try {
    for await (const snapshot of snapshots) {
      last = snapshot;
      view.update({ percent: snapshot.percent, message: stepText(snapshot) });
    }
  } finally {
    view.end();
  }
  if (last === undefined) throw new Error("The follower ended without a snapshot");
  return last;
}

function stepText(snapshot: RunSnapshot): string {
  const step = snapshot.staleReason ?? runStep(snapshot);
  return [step, ...sourcesText(snapshot)].join(" · ");
}

function report(
  seen: RunSnapshot,
  { json: asJson, stdout, stderr }: Pick<RunCommandOptions, "json" | "stdout" | "stderr">,
): ExitCode {
  const { run, output } = seen;
  if (asJson) stdout.write(`${shownJson({ run, output }, 2)}\n`);
  const { reason, warnings } = readReason(run);
  for (const note of [...readingNotes(seen), ...warnings]) {
    stderr.write(`Note: ${cleanLine(note)}\n`);
  }
  if (output !== null) {
    if (!asJson) stdout.write(`${answerText(output)}\n`);
    return ExitCode.done;
  }
  stderr.write(`The run is ${cleanLine(`${run.status}: ${reason ?? "it has no answer"}`)}\n`);
  return ExitCode.failed;
}

/** The run input of the command line. Throws {@link UsageError} with every problem. */
async function readRunInput(options: RunCommandOptions): Promise<RunInput> {
  const { outputSchemaFile } = options;
  if (options.question.trim() === "") throw new UsageError("The question must not be empty.");
  const parsed = UndisputedRunInput.safeParse({
    input: options.question,
    processor: options.processor,
    enable_events: true,
    ...(outputSchemaFile !== undefined && {
      task_spec: {
        output_schema: { type: "json", json_schema: await readOutputSchema(outputSchemaFile) },
      },
    }),
  });
  if (parsed.success) return parsed.data;
  throw new UsageError(z.prettifyError(parsed.error));
}

async function readOutputSchema(file: string): Promise<JsonObject> {
  let schema: unknown;
  try {
    schema = parseJson(await readFile(file, "utf8"));
  } catch (error) {
    throw new UsageError(
      `--output-schema ${file}: not a readable JSON file (${errorMessage(error)})`,
    );
  }
  const parsed = JsonObject.safeParse(schema);
  if (!parsed.success) throw new UsageError(`--output-schema ${file}: must be a JSON object`);
  const errors = checkOutputSchema(parsed.data).errors.filter(({ isDisputed }) => !isDisputed);
  if (errors.length > 0) {
    const lines = errors.map(({ pointer, message }) => `  ${pointer || "/"}: ${message}`);
    throw new UsageError([`--output-schema ${file}:`, ...lines].join("\n"));
  }
  return parsed.data;
}
