import type { TaskGroup } from "../../task-api/task-group.ts";
import type { Backend } from "./backend.ts";
import { createGroupObserver } from "./observe-progress.ts";
import { type Retries, readRetries, withoutSuperseded } from "./retries.ts";
import type { ToolContext } from "../tool.ts";
import { lastLook, watchFor } from "./watch-for.ts";

/** A group as it was last seen, each input counted once; `trouble`: why newer news are missing. */
export interface SeenGroup {
  group: TaskGroup;
  retries: Retries;
  trouble: string | null;
}

/**
 * Watches a group until nothing of it is active or `seconds` are over; with 0 seconds, only looks. Whoever leaves only
 * stops watching. Throws what the client throws, and the caller's abort reason.
 */
export async function waitForGroup(
  backend: Backend,
  taskgroupId: string,
  seconds: number,
  context: Pick<ToolContext, "clock" | "callerLeft" | "draining" | "startProgress" | "log">,
): Promise<SeenGroup> {
  const { client, groupFollowers } = backend;
  const { clock, callerLeft, draining, startProgress } = context;
  const look = async (signal: AbortSignal) => {
    const group = await client.retrieveGroup(taskgroupId, { signal });
    return { group, trouble: null };
  };
  if (seconds === 0) return withRetries(await look(callerLeft));
  const known = await readRetries(taskgroupId, backend, context);
  const progress = startProgress({ name: `Group ${taskgroupId}` });
  const observe = createGroupObserver(clock);
  const latest = await watchFor(seconds, {
    clock,
    callerLeft,
    draining,
    progress,
    watch: (signal) => groupFollowers.watch(taskgroupId, { signal }),
    show({ group: all }) {
      const group = withoutSuperseded(all, known);
      progress.update(observe(group));
      return group.status.is_active ? "active" : "ended";
    },
  });
  return withRetries(latest ?? (await lastLook({ clock, callerLeft }, look)));

  /** Read anew: more may have been retried during the wait. */
  async function withRetries({
    group,
    trouble,
  }: {
    group: TaskGroup;
    trouble: string | null;
  }): Promise<SeenGroup> {
    const retries = await readRetries(taskgroupId, backend, context);
    return { group: withoutSuperseded(group, retries), retries, trouble };
  }
}
