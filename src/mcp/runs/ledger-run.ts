import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { LedgerUnavailable } from "../../ledger/errors.ts";
import type { RunOutput } from "../../task-api/output.ts";
import { isOver } from "../../task-api/run.ts";
import type { Backend } from "./backend.ts";

/** A run as the ledger remembers it; null unless it had come to its end, or while the ledger cannot be read. */
export async function keptSnapshot(backend: Backend, runId: string): Promise<RunSnapshot | null> {
  const entry = await ifReadable(backend.ledger.find(runId));
  if (entry === null || !isOver({ status: entry.status, is_active: entry.isActive })) return null;
  const output = await keptOutput(backend, runId);
  return {
    run: {
      run_id: runId,
      status: entry.status,
      is_active: false,
      processor: entry.processor,
      created_at: entry.createdAt,
      modified_at: entry.finishedAt ?? entry.modifiedAt,
      interaction_id: entry.interactionId,
      taskgroup_id: entry.taskgroupId,
      error: entry.error === null ? null : { message: entry.error },
    },
    output,
    percent: entry.status === "completed" || output !== null ? 100 : (entry.percent ?? 0),
    latestMessage: entry.messages.at(-1)?.message ?? null,
    sourcesRead: null,
    sourcesConsidered: null,
    sourcesSample: [],
    messages: entry.messages,
    trouble: null,
  };
}

/** The output of a completed run, if it was kept. */
export function keptOutput({ ledger }: Backend, runId: string): Promise<RunOutput | null> {
  return ifReadable(ledger.readOutput(runId));
}

/** The last steps of a run, as far as somebody watched it here. */
export async function keptSteps(
  { ledger }: Backend,
  runId: string,
): Promise<RunSnapshot["messages"]> {
  return (await ifReadable(ledger.find(runId)))?.messages ?? [];
}

/** What the backend answered is still true when our own memory of it cannot be read. */
async function ifReadable<Kept>(reading: Promise<Kept | null>): Promise<Kept | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof LedgerUnavailable) return null;
    throw error;
  }
}
