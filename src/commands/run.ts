import { readFile } from "node:fs/promises";
import type { Logger } from "pino";
import { z } from "zod";
import type { RunSnapshot } from "../client/snapshots.ts";
import type { BackendConfig, BridgeConfig } from "../config.ts";
import { checkOutputSchema } from "../task-api/output-schema-rules.ts";
import { type RunInput, UndisputedRunInput } from "../task-api/run-input.ts";
import { JsonObject } from "../task-api/task-spec.ts";
import { parseJson } from "../text/json.ts";
import { explainError } from "../mcp/explain-error.ts";
import { placeRun } from "../mcp/place-run.ts";
import { CostRefused } from "../mcp/refusals.ts";
import { ExitCode, UsageError } from "./exit-code.ts";
import { openBackend } from "./open-backend.ts";
import { answerText } from "./terminal/answer-text.ts";
import { printableLine } from "./terminal/printable-text.ts";
import { createProgressView } from "./terminal/progress-view.ts";

export interface RunCommandOptions {
  question: string;
  processor: string;
  /** A file with the JSON Schema that the answer is to follow. */
  outputSchemaFile: string | undefined;
  /** Print the result as JSON instead of text. */
  json: boolean;
  backend: BackendConfig;
  bridge: BridgeConfig;
  version: string;
  log: Logger;
  /** Aborts when the user wants to stop waiting. */
  signal: AbortSignal;
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
}

/** `task-run-mcp run`: starts one run, shows its progress on stderr, and prints the answer on stdout. */
export async function runCommand(options: RunCommandOptions): Promise<ExitCode> {
  const { signal, stdout, stderr } = options;
  const input = await readRunInput(options);
  const backend = await openBackend(options.backend, options.bridge, options);
  try {
    const order = { input, idempotencyKey: undefined, maxCostUsd: undefined };
    const { budgetUsdPerDay } = options.bridge;
    const { run } = await placeRun(order, backend, {
      budgetUsdPerDay,
      ownBudgetUsdPerDay: undefined,
      log: () => options.log,
    });
    stderr.write(`Started ${printableLine(run.run_id)} on ${input.processor}\n`);
    const last = await follow(backend.followers.watch(run.run_id, { signal }), stderr);
    await backend.ledger.record(run.run_id, last);
    return report(last, options.json, { stdout, stderr });
  } catch (error) {
    if (error instanceof CostRefused) {
      const { summary } = explainError(error, { tool: "run", args: {} });
      stderr.write(`${summary}\n`);
      return ExitCode.failed;
    }
    if (!signal.aborted) throw error;
    stderr.write("Stopped waiting. The run was not cancelled.\n");
    return ExitCode.interrupted;
  } finally {
    await backend.close();
  }
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

function stepText({ run, latestMessage, sourcesRead, trouble }: RunSnapshot): string {
  const step = trouble ?? latestMessage ?? run.status;
  return sourcesRead === null ? step : `${step} (${sourcesRead} sources read)`;
}

function report(
  { run, output }: RunSnapshot,
  asJson: boolean,
  { stdout, stderr }: { stdout: NodeJS.WritableStream; stderr: NodeJS.WritableStream },
): ExitCode {
  if (asJson) stdout.write(`${JSON.stringify({ run, output }, null, 2)}\n`);
  for (const { message } of run.warnings ?? []) stderr.write(`Note: ${printableLine(message)}\n`);
  if (output !== null) {
    if (!asJson) stdout.write(`${answerText(output)}\n`);
    return ExitCode.done;
  }
  const reason = run.error?.message ?? "it has no answer";
  stderr.write(`The run is ${printableLine(`${run.status}: ${reason}`)}\n`);
  return ExitCode.failed;
}

/** The run input that the command line asks for. Throws {@link UsageError} with every problem. */
async function readRunInput(options: RunCommandOptions): Promise<RunInput> {
  const { outputSchemaFile } = options;
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
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--output-schema ${file}: not a readable JSON file (${reason})`);
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
