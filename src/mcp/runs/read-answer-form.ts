import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import type { AnswerForm } from "../../task-api/answer.ts";
import type { ReadRunContext } from "./read-run.ts";

/**
 * What a run in `action_required` needs to be answered; null for every other run, and where the backend takes no
 * answers. Without `offset` the evidence begins with what is new.
 */
export async function readAnswerForm(
  { run }: Pick<RunSnapshot, "run">,
  { backend, signal }: ReadRunContext,
  offset?: number,
): Promise<AnswerForm | null> {
  // Another backend would not know the route.
  if (run.status !== "action_required" || backend.kind !== "embedded") return null;
  return backend.client.readAnswerForm(run.run_id, { offset, signal });
}
