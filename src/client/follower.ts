import type { Logger } from "pino";
import { type Clock, systemClock } from "./clock.ts";
import { type FollowPolicy, defaultFollowPolicy } from "./follow-policy.ts";
import { type FollowedState, followRun } from "./follow-run.ts";
import { type Latest, createLatest } from "./latest.ts";
import { type RunMeter, type RunProgress, createRunMeter } from "./run-meter.ts";
import type { TaskApiClient } from "./task-api-client.ts";

/** A run as its watchers see it. */
export interface RunSnapshot extends FollowedState, RunProgress {
  /** 0 to 100; never falls for one run, and is 100 only for a completed one. */
  percent: number;
}

/** Watches runs: one follower per run, shared by all who wait for it. */
export interface Followers {
  /**
   * The run as soon as its state is known, then after each change; ends with the first snapshot of a run that is no
   * longer active. A slow reader sees only the newest snapshot. Bound the wait with `signal`: its reason is thrown at
   * once. Also throws what makes waiting pointless: `RunNotFound`, `Unauthorized`, `Forbidden`, `RequestRejected`, and
   * any error of the backend while not even a first state is known; later ones are the snapshot's `trouble`.
   */
  watch(runId: string, options?: { signal?: AbortSignal }): AsyncIterable<RunSnapshot>;
}

interface Follower {
  snapshots: Latest<RunSnapshot>;
  watchers: number;
  stop: () => void;
}

export function createFollowers(options: {
  client: TaskApiClient;
  clock?: Clock;
  policy?: FollowPolicy;
  log?: Logger;
}): Followers {
  const { client, clock = systemClock, policy = defaultFollowPolicy, log } = options;
  const followers = new Map<string, Follower>();
  const meters = new Map<string, RunMeter>();

  function startFollower(runId: string): Follower {
    const meter = meters.get(runId) ?? createRunMeter();
    const snapshots = createLatest<RunSnapshot>();
    const following = new AbortController();
    let state: FollowedState | null = null;

    const publish = () => {
      if (state !== null) snapshots.publish(toSnapshot(state, meter.read()));
    };
    const follower: Follower = { snapshots, watchers: 0, stop };
    followers.set(runId, follower);
    meters.delete(runId);

    followRun({
      runId,
      client,
      clock,
      policy,
      log,
      signal: following.signal,
      onState(next) {
        state = next;
        publish();
      },
      onProgress(event) {
        if (meter.take(event)) publish();
      },
    })
      .then(snapshots.end, snapshots.fail)
      // Whoever comes now starts anew instead of joining something that has ended.
      .finally(() => {
        if (followers.get(runId) === follower) followers.delete(runId);
      });

    function stop(): void {
      if (followers.get(runId) !== follower) return;
      followers.delete(runId);
      following.abort();
      remember(runId, meter);
    }
    return follower;
  }

  function remember(runId: string, meter: RunMeter): void {
    meters.set(runId, meter);
    if (meters.size <= policy.rememberedRuns) return;
    const [oldest] = meters.keys();
    if (oldest !== undefined) meters.delete(oldest);
  }

  return {
    async *watch(runId, { signal } = {}) {
      signal?.throwIfAborted();
      const follower = followers.get(runId) ?? startFollower(runId);
      follower.watchers += 1;
      try {
        yield* follower.snapshots.read(signal);
      } finally {
        follower.watchers -= 1;
        if (follower.watchers === 0) follower.stop();
      }
    },
  };
}

function toSnapshot(state: FollowedState, progress: RunProgress): RunSnapshot {
  const percent = state.run.status === "completed" ? 100 : progress.percent;
  return { ...state, ...progress, percent };
}
