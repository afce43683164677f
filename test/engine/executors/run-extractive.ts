import { fileURLToPath } from "node:url";
import { createExtractiveExecutor } from "../../../src/engine/executors/extractive/extractive-executor.ts";
import type { ExecutionResult } from "../../../src/engine/executors/executor.ts";
import type { JsonOutput } from "../../../src/task-api/output.ts";
import type { ProgressEvent } from "../../../src/task-api/run-event.ts";
import { ExtendedRunInput, type RunInput } from "../../../src/task-api/run-input.ts";
import type { JsonObject } from "../../../src/task-api/task-spec.ts";
import { createDatabase, createFolder, createLog } from "../sources/document-fixtures.ts";

export const EXAMPLES = fileURLToPath(new URL("../../../examples/documents", import.meta.url));

export interface FinishedRun extends ExecutionResult {
  events: ProgressEvent[];
}

/** Asks an executor over a folder; the input is parsed as the API parses it. */
export type Ask = (input: string | JsonObject, more?: Partial<RunInput>) => Promise<FinishedRun>;

/** A real executor with a database of its own, over the examples or over these files. */
export async function createAsk(source: string | Record<string, string> = EXAMPLES): Promise<Ask> {
  const folder = typeof source === "string" ? source : await createFolder(source);
  const { db } = await createDatabase();
  const executor = await createExtractiveExecutor({ db, folders: [folder], log: createLog().log });
  return async (input, more) => {
    const events: ProgressEvent[] = [];
    const result = await executor.execute({
      runId: "trun_test",
      createdMs: Date.now(),
      input: ExtendedRunInput.parse({ input, processor: "core", ...more }),
      previous: [],
      signal: new AbortController().signal,
      report: async (event) => {
        events.push(event);
      },
    });
    return { ...result, events };
  };
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
export function quotesOf({ output }: ExecutionResult): string {
  if (output.type !== "text") throw new Error("expected a text output");
  return output.content.split("\n\nSources:")[0] ?? "";
}

/** The first quoted sentence, and nothing that follows it. */
export function bestQuote(result: ExecutionResult): string {
  return /"(.*?)" \[\d+\]/.exec(quotesOf(result))?.[1] ?? "";
}

export function jsonOf({ output }: ExecutionResult): JsonOutput {
  if (output.type !== "json") throw new Error("expected a JSON output");
  return output;
}
