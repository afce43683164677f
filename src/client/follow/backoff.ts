import type { Clock } from "../../runtime/clock.ts";
import type { TaskApiError } from "../errors.ts";
import { backoffMs } from "../http/retry-policy.ts";
import type { FollowPolicy } from "./follow-policy.ts";

/** How long a follower pauses, and since when its backend does not answer. */
export interface Backoff {
  /** Records a failure; returns the message for the watchers. */
  noteFailure(error: TaskApiError): string;
  /** Notes that the backend has answered. */
  noteAnswer(): void;
  /** The pause before the nth retry in a row: it grows with n, and is at least as long as the backend asked for. */
  pauseMs(nth: number): number;
}

export function createBackoff({ clock, policy }: { clock: Clock; policy: FollowPolicy }): Backoff {
  let since: string | null = null;
  let retryAfterMs = 0;
  return {
    noteFailure(error) {
      since ??= new Date(clock.now()).toISOString();
      retryAfterMs = Math.min(error.retryAfterMs ?? 0, policy.retryAfterMaxMs);
      return `${error.message} No answer since ${since}.`;
    },
    noteAnswer() {
      since = null;
      retryAfterMs = 0;
    },
    pauseMs: (nth) => Math.max(backoffMs(policy, nth), retryAfterMs),
  };
}
