import { isGroupId } from "../../mcp/report/phrases.ts";
import { RunId } from "../../mcp/tools/arguments/shared-arguments.ts";
import { UsageError } from "../exit-code.ts";

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
