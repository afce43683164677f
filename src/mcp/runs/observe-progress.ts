import type { Clock } from "../../runtime/clock.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import { groupTotals } from "../report/group-report.ts";
import { durationText } from "../report/text.ts";
import type { PriceList } from "./price-list.ts";
import type { Observation } from "./progress.ts";

/** The meter of a run goes from 0 to this. */
const RUN_TOTAL = 100;

/** The progress of a run as its waiting callers see it; the time is that of the run, not of the wait. */
export function createRunObserver(
  prices: PriceList,
  clock: Clock,
): (seen: RunSnapshot) => Observation {
  const waitingSince = clock.elapsedMs();
  return (seen) => {
    const { run, percent } = seen;
    const ageMs = clock.now() - Date.parse(run.created_at ?? "");
    // The age is missing where the backend names no time, and negative where its clock is ahead of ours.
    const began = Math.min(waitingSince, clock.elapsedMs() - (ageMs || 0));
    const usual = usualText(prices.usualSeconds(run.processor));
    return {
      done: percent,
      total: RUN_TOTAL,
      isCompleted: run.status === "completed",
      step: runStep(seen),
      facts: (nowMs) => [...sourcesText(seen), `${secondsText((nowMs - began) / 1_000)} ${usual}`],
    };
  };
}

/** The latest step of a run at work; of any other, the status says more (`cancelling`). */
export function runStep({
  run,
  latestMessage,
}: Pick<RunSnapshot, "run" | "latestMessage">): string {
  const isAtWork = run.status === "running" || run.status === "completed";
  return (isAtWork ? latestMessage : null) ?? run.status;
}

/** "12 of 40 sources read"; nothing before the first one. */
export function sourcesText({
  sourcesRead,
  sourcesConsidered,
}: Pick<RunSnapshot, "sourcesRead" | "sourcesConsidered">): string[] {
  if (sourcesRead === null || sourcesRead === 0) return [];
  const of = sourcesConsidered === null ? "" : ` of ${sourcesConsidered}`;
  const noun = (sourcesConsidered ?? sourcesRead) === 1 ? "source" : "sources";
  return [`${sourcesRead}${of} ${noun} read`];
}

function usualText(usual: { from: number; to: number } | undefined): string {
  if (usual === undefined) return "so far";
  const from = usual.from === 0 ? "up" : durationText(usual.from);
  return `of usually ${from} to ${durationText(usual.to)}`;
}

/** A rate over less time than this is meaningless. */
const MIN_RATE_SECONDS = 1;

/** The progress of a group as its waiting callers see it; its rate is measured from the first observation on. */
export function createGroupObserver(clock: Clock): (group: TaskGroup) => Observation {
  let first: { done: number; at: number } | null = null;
  return (group) => {
    const { done, total } = groupTotals(group);
    const { task_run_status_counts: counts, is_active: isActive } = group.status;
    first ??= { done, at: clock.elapsedMs() };
    const { done: doneBefore, at: since } = first;
    const apart = ["failed", "cancelled", "cancelling", "action_required"].flatMap((status) => {
      const count = counts[status] ?? 0;
      return count === 0 ? [] : [`${count} ${status}`];
    });
    return {
      done,
      total,
      isCompleted: !isActive,
      step: `${done} of ${total} runs done${apart.length === 0 ? "" : ` (${apart.join(", ")})`}`,
      facts(nowMs) {
        const seconds = (nowMs - since) / 1_000;
        const rate = (done - doneBefore) / seconds;
        if (done === doneBefore || seconds < MIN_RATE_SECONDS)
          return [`${secondsText(seconds)} so far`];
        // Runs that wait for an answer are left out, because the time of the answer is unknown.
        const left = total - done - (counts["action_required"] ?? 0);
        return [
          rateText(rate),
          ...(left > 0 ? [`about ${secondsText(Math.max(left / rate, 1))} left`] : []),
        ];
      },
    };
  };
}

/** Two digits; what is slow is counted by the minute. */
function rateText(perSecond: number): string {
  const [rate, unit] = perSecond >= 1 ? [perSecond, "s"] : [perSecond * 60, "min"];
  return `${Number(rate.toPrecision(2))} runs/${unit}`;
}

/** Exact to the second only for short times. */
function secondsText(seconds: number): string {
  return seconds < 120 ? `${Math.round(seconds)} s` : durationText(Math.round(seconds));
}
