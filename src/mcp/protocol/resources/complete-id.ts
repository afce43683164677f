import type { LedgerEntry } from "../../../ledger/ledger.ts";
import type { Backend } from "../../runs/backend.ts";

/** Of this many of the newest runs or groups the ids are compared; of all, the questions are. */
const RECENT = 200;
/** What one completion may hold, and so more than anyone is shown (MCP: Completion). */
const MAX_FOUND = 100;

/** The ids of runs that begin with what was typed, or whose question contains it; the newest first. */
export async function completeRunId(typed: string, { ledger }: Backend): Promise<string[]> {
  const { entries: recent } = await ledger.list({ limit: RECENT });
  const byId = recent.filter(({ runId }) => runId?.startsWith(typed));
  const { entries: byQuestion } =
    typed === "" ? { entries: [] } : await ledger.list({ text: typed, limit: MAX_FOUND });
  const found = new Map<number, LedgerEntry>();
  for (const entry of [...byId, ...byQuestion]) found.set(entry.entryId, entry);
  return [...found.values()]
    .toSorted((a, b) => b.entryId - a.entryId)
    .flatMap(({ runId }) => runId ?? []);
}

/** The ids of groups that begin with what was typed, or that have a question with it; the newest first. */
export async function completeGroupId(typed: string, { ledger }: Backend): Promise<string[]> {
  const { groups: recent } = await ledger.listGroups({ limit: RECENT, offset: 0 });
  const byId = recent.filter(({ taskgroupId }) => taskgroupId.startsWith(typed));
  const { groups: byQuestion } =
    typed === ""
      ? { groups: [] }
      : await ledger.listGroups({ text: typed, limit: MAX_FOUND, offset: 0 });
  return [...new Set([...byId, ...byQuestion].map(({ taskgroupId }) => taskgroupId))];
}
