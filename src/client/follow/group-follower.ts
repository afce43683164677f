import type { Logger } from "pino";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { followGroup } from "./follow-group.ts";
import type { GroupSnapshot } from "./snapshots.ts";
import { type FollowPolicy, defaultFollowPolicy } from "./follow-policy.ts";
import { createSharedFollowers } from "./shared-followers.ts";
import type { TaskApiClient } from "../task-api-client.ts";

/** Watches task groups: one follower per group, shared by all who wait for it. */
export interface GroupFollowers {
  /**
   * The group as soon as it is known, then after each change; ends with the first snapshot of a group of which nothing
   * is active. A new group is empty and not active, so add the runs first. A slow reader sees only the newest
   * snapshot. Bound the wait with `signal`: its reason is thrown at once. Also throws what makes waiting pointless:
   * `GroupNotFound`, `Unauthorized`, `Forbidden`, `RequestRejected`, and any error of the backend while the group is
   * not known at all; later ones are the snapshot's `trouble`.
   */
  watch(taskgroupId: string, options?: { signal?: AbortSignal }): AsyncIterable<GroupSnapshot>;
}

export function createGroupFollowers(options: {
  client: TaskApiClient;
  clock?: Clock;
  policy?: FollowPolicy;
  log?: Logger;
}): GroupFollowers {
  const { client, clock = systemClock, policy = defaultFollowPolicy, log } = options;
  return {
    watch: createSharedFollowers<GroupSnapshot>((taskgroupId, onSnapshot) => {
      const following = new AbortController();
      const { signal } = following;
      return {
        ended: followGroup({ taskgroupId, client, clock, policy, log, signal, onSnapshot }),
        stop: () => following.abort(),
      };
    }),
  };
}
