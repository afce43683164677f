import type { TaskGroup } from "../task-api/task-group.ts";
import type { Backend } from "./backend.ts";
import { createGroupObserver } from "./observe-progress.ts";
import type { ToolContext } from "./tool.ts";
import { lastLook, watchFor } from "./watch-for.ts";

/** A group as it was last seen; `trouble`: why newer news are missing. */
export interface SeenGroup {
  group: TaskGroup;
  trouble: string | null;
}

/**
 * Watches a group until nothing of it is active or `seconds` are over; with 0 seconds, only looks. Whoever leaves only
 * stops watching. Throws what the client throws, and the caller's abort reason.
 */
export async function waitForGroup(
  { client, groupFollowers }: Backend,
  taskgroupId: string,
  seconds: number,
  { clock, callerLeft, draining, startProgress }: ToolContext,
): Promise<SeenGroup> {
  const look = async (signal: AbortSignal): Promise<SeenGroup> => {
    const group = await client.retrieveGroup(taskgroupId, { signal });
    return { group, trouble: null };
  };
  if (seconds === 0) return look(callerLeft);
  const progress = startProgress({ name: `Group ${taskgroupId}` });
  const observe = createGroupObserver(clock);
  const latest = await watchFor(seconds, {
    clock,
    callerLeft,
    draining,
    progress,
    watch: (signal) => groupFollowers.watch(taskgroupId, { signal }),
    show({ group }: SeenGroup) {
      progress.update(observe(group));
      return group.status.is_active ? "active" : "ended";
    },
  });
  return latest ?? lastLook({ clock, callerLeft }, look);
}
