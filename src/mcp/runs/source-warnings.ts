import { TaskApiError } from "../../client/errors.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import { TaskGroupLimits } from "../../task-api/task-group.ts";
import type { Backend } from "./backend.ts";
import type { ToolContext } from "../tool.ts";

/**
 * What our engine says of the source policies of a group's inputs, each policy asked about once: a group is answered
 * without the warnings of its runs. Asked for after the start; each run has its warnings too when this fails.
 */
export async function sourceWarnings(
  inputs: readonly RunInput[],
  { client }: Backend,
  { callerLeft, log }: Pick<ToolContext, "callerLeft" | "log">,
): Promise<string[]> {
  const byPolicy = new Map(
    inputs.flatMap(({ task_spec: _task_spec, ...input }) =>
      input.source_policy ? [[JSON.stringify(input.source_policy), input] as const] : [],
    ),
  );
  if (byPolicy.size === 0) return [];
  try {
    const some = [...byPolicy.values()].slice(0, TaskGroupLimits.inputsPerRequest);
    const check = await client.checkRuns({ inputs: some }, { signal: callerLeft });
    return (check?.warnings ?? []).map(({ message }) => message);
  } catch (error) {
    if (!(error instanceof TaskApiError)) throw error;
    log().warn({ err: error }, "the sources of a new group cannot be checked");
    return [];
  }
}
