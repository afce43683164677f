import type { LedgerEntry } from "../../ledger/ledger.ts";
import type { Backend } from "../backend.ts";

/** Of this many of the newest runs the ids are compared; of all, the questions are. */
const RECENT_RUNS = 200;
/** What one completion may hold, and so more than anyone is shown (MCP: Completion). */
const MAX_FOUND = 100;

/** The ids of runs that begin with what was typed, or whose question contains it; the newest first. */
export async function completeRunId(typed: string, { ledger }: Backend): Promise<string[]> {
  const { entries: recent } = await ledger.list({ limit: RECENT_RUNS });
  const byId = recent.filter(({ runId }) => runId?.startsWith(typed));
  const { entries: byQuestion } =
    typed === "" ? { entries: [] } : await ledger.list({ text: typed, limit: MAX_FOUND });
  const found = new Map<number, LedgerEntry>();
  for (const entry of [...byId, ...byQuestion]) found.set(entry.entryId, entry);
  return [...found.values()]
    .toSorted((a, b) => b.entryId - a.entryId)
    .flatMap(({ runId }) => runId ?? []);
}
