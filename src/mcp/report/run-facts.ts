import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { UNBILLED } from "../../ledger/spending.ts";
import { oneLine, timeText } from "./text.ts";
import type { RunReport } from "./run-report.ts";

/** The facts of a run in a report; these three fields are always there. */
export type RunFacts = Partial<RunReport> & { run_id: string; status: string; is_active: boolean };

/** The price of a completed run on a processor, and its usual duration; undefined where that is not known. */
export interface Prices {
  /** US dollars. */
  priceUsd(processor: string): number | undefined;
  /** The usual duration without the time in the queue. */
  usualSeconds(processor: string): { from: number; to: number } | undefined;
}

/** Limits of the untrusted text in a report: counts, and weights as in `oneLine`. */
interface WordBudget {
  warnings: number;
  warning: number;
  error: number;
}

/**
 * Next to an output: fits almost every warning in the API's samples. With a page of output, both channels of a report
 * stay under 35,000 characters, about 10,000 tokens.
 */
const BESIDE_OUTPUT: WordBudget = { warnings: 4, warning: 300, error: 800 };
/** The budget of a report without an output: as much as a page of output. */
const ALONE: WordBudget = { warnings: 10, warning: 1_000, error: 2_000 };

/** Ids and names; those of the API have 37 characters. */
const NAME_BUDGET = 100;
/** A sentence. */
const STEP_BUDGET = 200;

/** The run as last seen: identity, progress and errors. `isAlone`: no output follows. */
export function describeRun(
  { run, percent, latestMessage, sourcesRead, sourcesConsidered, messages }: RunSnapshot,
  prices: Prices,
  isAlone: boolean,
): RunFacts {
  const budget = isAlone ? ALONE : BESIDE_OUTPUT;
  const warnings = (run.warnings ?? []).map(({ message }) => message);
  // The API has no field for the question: our engine asks it in the last warning, other backends may in the last step.
  const question =
    run.status === "action_required" ? (warnings.pop() ?? messages.at(-1)?.message) : undefined;
  return {
    run_id: oneLine(run.run_id, NAME_BUDGET),
    status: oneLine(run.status, NAME_BUDGET),
    is_active: run.is_active,
    ...present("processor", run.processor === "" ? null : shortName(run.processor)),
    ...present(
      "price_usd",
      UNBILLED.includes(run.status) ? null : prices.priceUsd(run.processor) || null,
    ),
    ...present(
      "created_at",
      run.created_at ? oneLine(timeText(run.created_at), NAME_BUDGET) : null,
    ),
    ...present("taskgroup_id", shortName(run.taskgroup_id)),
    // Left out when equal: then the run_id works for a follow-up.
    ...present(
      "interaction_id",
      run.interaction_id === run.run_id ? null : shortName(run.interaction_id),
    ),
    ...(run.is_active && {
      ...present("usual_seconds", prices.usualSeconds(run.processor)),
      // 0 also means that no progress was seen, so it is left out.
      ...present("percent", percent > 0 ? Math.round(percent) : null),
      ...present("sources_read", sourcesRead),
      ...present("sources_considered", sourcesConsidered),
      ...present(
        "latest_step",
        latestMessage === null ? null : oneLine(latestMessage, STEP_BUDGET),
      ),
    }),
    ...present("question_asked", question && oneLine(question, budget.warning)),
    ...warningFacts(warnings, budget),
    ...present("error", run.error ? oneLine(run.error.message, budget.error) : null),
  };
}

/** Possible objections of the backend as notes: the first few, one line each, and how many more. */
export function doubtNotes(doubts: readonly string[]): string[] {
  return warningFacts(doubts).warnings ?? [];
}

/** The first few warnings, one line each, and how many more. */
export function warningFacts(
  warnings: readonly string[],
  budget: WordBudget = ALONE,
): Pick<RunReport, "warnings"> {
  if (warnings.length === 0) return {};
  const shown = warnings
    .slice(0, budget.warnings)
    .map((warning) => oneLine(warning, budget.warning));
  const more = warnings.length - shown.length;
  const where = budget === ALONE ? "" : "; get_task_run with view events shows more";
  return { warnings: more > 0 ? [...shown, `and ${more} more${where}`] : shown };
}

/** The entry; empty for null and undefined. */
function present<Key extends string, Value>(
  key: Key,
  value: Value | null | undefined,
): Partial<Record<Key, Value>> {
  const entry: Partial<Record<Key, Value>> = {};
  if (value !== null && value !== undefined) entry[key] = value;
  return entry;
}

function shortName(name: string | null | undefined): string | null {
  return typeof name === "string" ? oneLine(name, NAME_BUDGET) : null;
}
