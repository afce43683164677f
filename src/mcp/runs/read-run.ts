import { RunNotFound } from "../../client/errors.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import type { Backend } from "./backend.ts";
import { keptSnapshot } from "./ledger-run.ts";
import type { RunView } from "../report/reading/run-views.ts";
import { withSteps } from "./run-steps.ts";
import type { ToolContext } from "../tool.ts";
import { lookAtRun, waitForRun, withOutput } from "./wait-for-run.ts";

/** What of the context looking at a run takes. */
export type SeeingContext = Pick<
  ToolContext,
  "clock" | "callerLeft" | "draining" | "startProgress"
>;

/** The run as the backend has it; one the backend no longer has, as it was kept here. Throws what the client throws. */
export async function seeOrRecall(
  backend: Backend,
  runId: string,
  { view, seconds }: { view: RunView; seconds: number },
  context: SeeingContext,
): Promise<{ seen: RunSnapshot; notes: string[] }> {
  try {
    const seen =
      seconds > 0
        ? await waitForRun(backend, runId, seconds, context)
        : await lookAtRun(backend, runId, context.callerLeft);
    return { seen: await withWhatIsAsked(seen), notes: [] };
  } catch (error) {
    if (!(error instanceof RunNotFound)) throw error;
    const kept = await keptSnapshot(backend, runId);
    if (kept === null) throw error;
    return {
      seen: kept,
      notes: ["The backend no longer has this run; this is what was kept of it here."],
    };
  }

  async function withWhatIsAsked(seen: RunSnapshot): Promise<RunSnapshot> {
    const { status, warnings } = seen.run;
    // What such a run waits for may stand in its steps alone.
    if (status === "action_required" && !warnings?.length && view !== "status") {
      return withSteps(backend, seen, context);
    }
    switch (view) {
      case "status":
        return seen;
      case "events":
        return withSteps(backend, seen, context);
      case "auto":
      case "output":
      case "basis":
        return withOutput(backend, runId, seen, context.callerLeft);
    }
  }
}
