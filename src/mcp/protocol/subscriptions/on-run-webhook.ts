import { TaskApiError } from "../../../client/errors.ts";
import { type ReadContext, readRun } from "../../runs/read-run.ts";

/**
 * The backend reported by webhook that a run has changed: its followers read it at once. A run that was started here is
 * read with its output, so that the ledger keeps it. Throws `LedgerUnavailable`.
 */
export async function onRunWebhook(runId: string, call: ReadContext): Promise<void> {
  const { backend } = call;
  backend.followers.wake(runId);
  const entry = await backend.ledger.find(runId);
  if (entry?.isActive !== true) return;
  try {
    await readRun(runId, { include: "output" }, call);
  } catch (error) {
    // The next caller that reads the run learns the same.
    if (!(error instanceof TaskApiError)) throw error;
  }
}
