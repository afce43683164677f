import { fileURLToPath } from "node:url";
import type { Database } from "../../../src/database/open-database.ts";
import { createExtractiveExecutor } from "../../../src/engine/executors/extractive/extractive-executor.ts";
import type { Attempt, ExecutionResult } from "../../../src/engine/executors/executor.ts";
import type { JsonOutput } from "../../../src/task-api/output.ts";
import type { ProgressEvent } from "../../../src/task-api/run-event.ts";
import { ExtendedRunInput, type RunInput } from "../../../src/task-api/run-input.ts";
import type { JsonObject } from "../../../src/task-api/task-spec.ts";
import { createDatabase, createFolder, createLog } from "../sources/document-fixtures.ts";

export const EXAMPLES = fileURLToPath(new URL("../../../examples/documents", import.meta.url));

export interface FinishedRun extends ExecutionResult {
  runId: string;
  events: ProgressEvent[];
}

/** Asks an executor over a folder; the input is parsed as the API parses it. */
export type Ask = (
  input: string | JsonObject,
  more?: Partial<RunInput>,
  previous?: Attempt["previous"],
) => Promise<FinishedRun>;

/** A real executor with a database of its own, over the examples or over these files. */
export async function createAsk(source: string | Record<string, string> = EXAMPLES): Promise<Ask> {
  const folder = typeof source === "string" ? source : await createFolder(source);
  const { db } = await createDatabase();
  const executor = await createExtractiveExecutor({ db, folders: [folder], log: createLog().log });
  return async (input, more, previous = []) => {
    const events: ProgressEvent[] = [];
    const runId = await insertRun(db);
    const result = await executor.execute({
      runId,
      createdMs: Date.now(),
      input: ExtendedRunInput.parse({ input, processor: "core", ...more }),
      previous,
      signal: new AbortController().signal,
      report: async (event) => {
        events.push(event);
      },
    });
    return { ...result, runId, events };
  };
}

let runs = 0;

/** A running run, whose evidence can be kept. */
export async function insertRun(db: Database): Promise<string> {
  runs += 1;
  const runId = `trun_${runs}`;
  const created_at = new Date().toISOString();
  await db
    .insertInto("runs")
    .values({
      run_id: runId,
      interaction_id: runId,
      tenant_id: "",
      taskgroup_id: null,
      status: "running",
      processor: "core",
      price_usd: 0,
      executor_key: "extractive",
      input: "{}",
      output: null,
      error: null,
      warnings: null,
      lease_owner: null,
      lease_until: null,
      action_until: null,
      created_at,
      modified_at: created_at,
    })
    .execute();
  return runId;
}

/** A task spec with these properties as output fields. */
export function fieldsSpec(properties: JsonObject): Pick<RunInput, "task_spec"> {
  const schema = {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
  return { task_spec: { output_schema: { type: "json", json_schema: schema } } };
}

/** The text of the answer, up to its list of sources. */
export function answerOf({ output }: ExecutionResult): string {
  if (output.type !== "text") throw new Error("expected a text output");
  return output.content.split("\n\nSources:")[0] ?? "";
}

/** The passages that the answer shows, in order, as they stand in the documents. */
export function windowsOf(result: ExecutionResult): string[] {
  return [...answerOf(result).matchAll(/(?:^> .*\n?)+/gm)].map(([block]) =>
    block.trimEnd().replaceAll(/^> /gm, "").replaceAll("**", ""),
  );
}

/** The sentences that are marked as clear answers, best first. */
export function quotesOf(result: ExecutionResult): string[] {
  return [...answerOf(result).matchAll(/\*\*(.+?)\*\*/g)].map((match) => match[1] ?? "");
}

export function jsonOf({ output }: ExecutionResult): JsonOutput {
  if (output.type !== "json") throw new Error("expected a JSON output");
  return output;
}
