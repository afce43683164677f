import { TaskApiError } from "../../../client/errors.ts";
import type { Backend } from "../../runs/backend.ts";
import { lookAtRun, withOutput } from "../../runs/wait-for-run.ts";

/**
 * The backend itself said (by webhook) that a run has changed: who waits for it looks at once, and so does the ledger if
 * the run was started here, so that its output is kept though nobody asks. Throws `LedgerUnavailable`.
 */
export async function takeRunNews(
  backend: Backend,
  runId: string,
  signal: AbortSignal,
): Promise<void> {
  backend.followers.wake(runId);
  const entry = await backend.ledger.find(runId);
  if (entry?.isActive !== true) return;
  try {
    await withOutput(backend, runId, await lookAtRun(backend, runId, signal), signal);
  } catch (error) {
    // The next look, whoever takes it, tells the same.
    if (!(error instanceof TaskApiError)) throw error;
  }
}
