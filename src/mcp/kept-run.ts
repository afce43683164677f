import type { RunSnapshot } from "../client/follower.ts";
import { isTerminalStatus } from "../task-api/run.ts";
import type { Backend } from "./backend.ts";

/** A run as the ledger remembers it; null unless it had come to its end. */
export async function keptSnapshot(
  { ledger }: Backend,
  runId: string,
): Promise<RunSnapshot | null> {
  const entry = await ledger.find(runId);
  if (entry === null || !isTerminalStatus(entry.status)) return null;
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
    output: await ledger.readOutput(runId),
    percent: entry.status === "completed" ? 100 : (entry.percent ?? 0),
    latestMessage: entry.messages.at(-1)?.message ?? null,
    sourcesRead: null,
    sourcesConsidered: null,
    sourcesSample: [],
    messages: entry.messages,
    trouble: null,
  };
}
