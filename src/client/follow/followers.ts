import type { Logger } from "pino";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { LruCache } from "../../runtime/lru-cache.ts";
import type { TaskApiClient } from "../task-api-client.ts";
import { followGroup } from "./follow-group.ts";
import { type FollowPolicy, defaultFollowPolicy } from "./follow-policy.ts";
import { followRun } from "./follow-run.ts";
import { type RunMeter, type RunProgress, createRunMeter } from "./run-meter.ts";
import type { FollowedState, GroupSnapshot, RunSnapshot } from "./snapshots.ts";
import { createLatestValue } from "./latest-value.ts";

/** Watches runs: one follower per run, shared by all who wait for it. */
export interface Followers {
  /**
   * Yields the run as soon as its state is known, then after each change, and ends with the first snapshot of a run
   * that is no longer active. A slow reader sees only the newest snapshot. Bound the wait with `signal`: its reason is
   * thrown at once. Also throws permanent errors (`RunNotFound`, `Unauthorized`, `Forbidden`, `RequestRejected`), and
   * any error of the backend before the first state is known; later errors are in the snapshot.
   */
  watch(runId: string, options?: { signal?: AbortSignal }): AsyncIterable<RunSnapshot>;
  /** Call this when a webhook reports a change of the run: its follower then reads it at once. */
  notify(runId: string): void;
}

/** Watches task groups: one follower per group, shared by all who wait for it. */
export interface GroupFollowers {
  /**
   * The group as soon as it is known, then after each change; ends with the first snapshot of a group of which nothing
   * is active. A new group is empty and not active, so add the runs first. Otherwise as {@link Followers.watch}, with
   * `GroupNotFound`.
   */
  watch(taskgroupId: string, options?: { signal?: AbortSignal }): AsyncIterable<GroupSnapshot>;
}

interface FollowersOptions {
  client: TaskApiClient;
  clock?: Clock;
  policy?: FollowPolicy;
  log?: Logger;
}

export function createFollowers({
  client,
  clock = systemClock,
  policy = defaultFollowPolicy,
  log,
}: FollowersOptions): Followers {
  /** The meters of runs that are not watched at the moment. */
  const meters = new LruCache<string, RunMeter>(policy.rememberedRuns);
  /** Makes the follower of a run start again, by run id. */
  const restarts = new Map<string, () => void>();

  function follow(runId: string, publish: (snapshot: RunSnapshot) => void): Following {
    const meter = meters.get(runId) ?? createRunMeter();
    meters.delete(runId);
    let state: FollowedState | null = null;
    let attempt = new AbortController();
    let isOver = false;
    const restart = () => attempt.abort();
    const publishState = () => {
      if (state !== null) publish(toSnapshot(state, meter.read()));
    };

    const followOnce = () =>
      followRun({
        runId,
        client,
        clock,
        policy,
        log,
        signal: attempt.signal,
        known: state,
        onState(next) {
          state = next;
          publishState();
        },
        onProgress(event) {
          if (meter.take(event)) publishState();
        },
      });

    async function followToEnd(): Promise<void> {
      restarts.set(runId, restart);
      try {
        for (;;) {
          try {
            await followOnce();
            return;
          } catch (error) {
            if (isOver || !attempt.signal.aborted) throw error;
          }
          // Restarted by `notify`.
          attempt = new AbortController();
        }
      } finally {
        isOver = true;
        if (restarts.get(runId) === restart) restarts.delete(runId);
      }
    }

    return {
      ended: followToEnd(),
      stop() {
        if (isOver) return;
        isOver = true;
        // Store the meter at once: the next watcher may come before this follower has ended.
        meters.set(runId, meter);
        attempt.abort();
      },
    };
  }

  return {
    watch: createSharedFollowers<RunSnapshot>(follow),
    notify: (runId) => restarts.get(runId)?.(),
  };
}

function toSnapshot(state: FollowedState, progress: RunProgress): RunSnapshot {
  const hasArrived = state.run.status === "completed" || state.output !== null;
  const percent = hasArrived ? 100 : progress.percent;
  return { ...state, ...progress, percent };
}

export function createGroupFollowers({
  client,
  clock = systemClock,
  policy = defaultFollowPolicy,
  log,
}: FollowersOptions): GroupFollowers {
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

/** A follower at work. */
export interface Following {
  /** Settles when it has ended; rejects with what its watchers are to be thrown. */
  ended: Promise<void>;
  /** Ends it: the last watcher has left. */
  stop(): void;
}

/**
 * One follower for each id, shared by all its watchers: `follow` begins with the first one, and is stopped when the
 * last one leaves. The watchers end when it does. Returns the way to watch.
 */
export function createSharedFollowers<Snapshot>(
  follow: (id: string, publish: (snapshot: Snapshot) => void) => Following,
): (id: string, options?: { signal?: AbortSignal }) => AsyncGenerator<Snapshot, void> {
  const followers = new Map<string, ReturnType<typeof start>>();

  function start(id: string) {
    const snapshots = createLatestValue<Snapshot>();
    const following = follow(id, snapshots.publish);
    const follower = { snapshots, watchers: 0, stop };
    followers.set(id, follower);
    following.ended
      .then(snapshots.end, snapshots.fail)
      // The next watcher starts a new follower instead of joining one that has ended.
      .finally(forget);

    function forget(): boolean {
      return followers.get(id) === follower && followers.delete(id);
    }
    function stop(): void {
      if (forget()) following.stop();
    }
    return follower;
  }

  return async function* watch(id, { signal } = {}) {
    signal?.throwIfAborted();
    const follower = followers.get(id) ?? start(id);
    follower.watchers += 1;
    try {
      // Not `yield*` of another generator: thousands may wait here, and each level takes 2 KB.
      let seen: { value: Snapshot } | null = null;
      for (;;) {
        seen = await follower.snapshots.after(seen, signal);
        if (seen === null) return;
        yield seen.value;
      }
    } finally {
      follower.watchers -= 1;
      if (follower.watchers === 0) follower.stop();
    }
  };
}
