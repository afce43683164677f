import { RunId } from "../mcp/tools/shared-arguments.ts";
import { UsageError } from "./exit-code.ts";

/** The run that an argument names. Throws {@link UsageError}. */
export function readRunId(text: string): string {
  const parsed = RunId.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError("write one run id, as `task-run-mcp runs` shows it.");
}
