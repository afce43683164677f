import type { CancelOutcome } from "../../mcp/report/run-report.ts";
import { cancelTaskRun } from "../../mcp/tools/cancel-task-run.ts";
import { shownJson } from "../../mcp/report/text.ts";
import { cleanLine } from "../../text/clean-text.ts";
import { ExitCode } from "../exit-code.ts";
import { openBackend } from "../wiring/open-backend.ts";
import { readRunId } from "./get.ts";
import { type RunsContext, openCall } from "./tool-context.ts";

/** Outcomes that confirm the end of the run. */
export const ENDED: ReadonlySet<CancelOutcome | undefined> = new Set([
  "cancelled",
  "already_finished",
]);

/** `task-run-mcp cancel`: cancels a run, then reads it again and reports its status. */
export async function cancelCommand(
  options: RunsContext & { runId: string; json: boolean },
): Promise<ExitCode> {
  const { stdout } = options;
  const runId = readRunId(options.runId);
  const backend = await openBackend(options.backend, options.bridge, options);
  try {
    const call = openCall(backend, options);
    const report = await cancelTaskRun.run({ run_id: runId }, call);
    const { outcome, run_id: id, status, summary } = report;
    stdout.write(
      options.json
        ? `${shownJson({ outcome, run_id: id, status }, 2)}\n`
        : `${cleanLine(summary)}\n`,
    );
    return ENDED.has(outcome) ? ExitCode.done : ExitCode.failed;
  } finally {
    await backend.close();
  }
}
