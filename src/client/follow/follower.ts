import type { Logger } from "pino";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { type FollowPolicy, defaultFollowPolicy } from "./follow-policy.ts";
import { followRun } from "./follow-run.ts";
import { type RunMeter, type RunProgress, createRunMeter } from "./run-meter.ts";
import { type Following, createSharedFollowers } from "./shared-followers.ts";
import type { FollowedState, RunSnapshot } from "./snapshots.ts";
import type { TaskApiClient } from "../task-api-client.ts";

/** Watches runs: one follower per run, shared by all who wait for it. */
export interface Followers {
  /**
   * The run as soon as its state is known, then after each change; ends with the first snapshot of a run that is no
   * longer active. A slow reader sees only the newest snapshot. Bound the wait with `signal`: its reason is thrown at
   * once. Also throws what makes waiting pointless: `RunNotFound`, `Unauthorized`, `Forbidden`, `RequestRejected`, and
   * any error of the backend while not even a first state is known; later ones are the snapshot's `trouble`.
   */
  watch(runId: string, options?: { signal?: AbortSignal }): AsyncIterable<RunSnapshot>;
  /** Somebody else says that there is news of a run: whoever follows it reads it at once. */
  wake(runId: string): void;
}

export function createFollowers(options: {
  client: TaskApiClient;
  clock?: Clock;
  policy?: FollowPolicy;
  log?: Logger;
}): Followers {
  const { client, clock = systemClock, policy = defaultFollowPolicy, log } = options;
  /** Of runs that nobody watches at the moment. */
  const meters = new Map<string, RunMeter>();

  function remember(runId: string, meter: RunMeter): void {
    meters.set(runId, meter);
    if (meters.size <= policy.rememberedRuns) return;
    const [oldest] = meters.keys();
    if (oldest !== undefined) meters.delete(oldest);
  }

  /** Of runs that are followed at the moment. */
  const wakeUps = new Map<string, () => void>();

  function follow(runId: string, publish: (snapshot: RunSnapshot) => void): Following {
    const meter = meters.get(runId) ?? createRunMeter();
    meters.delete(runId);
    let state: FollowedState | null = null;
    let attempt = new AbortController();
    let isOver = false;
    const wake = () => attempt.abort();
    const publishState = () => {
      if (state !== null) publish(toSnapshot(state, meter.read()));
    };

    async function followOn(): Promise<void> {
      wakeUps.set(runId, wake);
      try {
        for (;;) {
          try {
            await followRun({
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
            return;
          } catch (error) {
            if (isOver || !attempt.signal.aborted) throw error;
          }
          // Somebody said that there is news: from here on anew.
          attempt = new AbortController();
        }
      } finally {
        isOver = true;
        if (wakeUps.get(runId) === wake) wakeUps.delete(runId);
      }
    }

    return {
      ended: followOn(),
      stop() {
        if (isOver) return;
        isOver = true;
        // At once: who comes back must find the meter even before this has ended.
        remember(runId, meter);
        attempt.abort();
      },
    };
  }

  return {
    watch: createSharedFollowers<RunSnapshot>(follow),
    wake: (runId) => wakeUps.get(runId)?.(),
  };
}

function toSnapshot(state: FollowedState, progress: RunProgress): RunSnapshot {
  const hasArrived = state.run.status === "completed" || state.output !== null;
  const percent = hasArrived ? 100 : progress.percent;
  return { ...state, ...progress, percent };
}
