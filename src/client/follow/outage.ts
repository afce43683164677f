import type { Clock } from "../../runtime/clock.ts";
import {
  BackendFailed,
  BackendTimedOut,
  BackendUnreachable,
  RateLimited,
  type TaskApiError,
  TurnedAwayByGateway,
  UnreadableAnswer,
} from "../errors.ts";
import type { FollowPolicy } from "./follow-policy.ts";
import { backoffMs, retryAfterMs } from "../http/retry-policy.ts";

/** The time in which the backend does not answer someone who follows. */
export interface Outage {
  /** Takes note of one more failure; returns what to tell the watchers. */
  note(error: TaskApiError): string;
  /** The backend has answered. */
  end(): void;
  /** How long to wait before the next try, the nth in a row: growing, and as long as the backend wished. */
  pauseMs(nth: number): number;
}

export function createOutage({ clock, policy }: { clock: Clock; policy: FollowPolicy }): Outage {
  let since: string | null = null;
  let wishMs = 0;
  return {
    note(error) {
      since ??= new Date(clock.now()).toISOString();
      wishMs = Math.min(retryAfterMs(error) ?? 0, policy.retryAfterMaxMs);
      return `${error.message} No answer since ${since}.`;
    },
    end() {
      since = null;
      wishMs = 0;
    },
    pauseMs: (nth) => Math.max(backoffMs(policy, nth), wishMs),
  };
}

/** Errors that may be gone at the next try. */
export function isTransient(error: unknown): error is TaskApiError {
  return (
    error instanceof BackendUnreachable ||
    error instanceof BackendTimedOut ||
    error instanceof BackendFailed ||
    error instanceof RateLimited ||
    error instanceof TurnedAwayByGateway ||
    error instanceof UnreadableAnswer
  );
}
