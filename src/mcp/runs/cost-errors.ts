import { RequestRejected, type TaskApiError } from "../../client/errors.ts";
import type { LedgerEntry } from "../../ledger/ledger.ts";

/** A run, or all runs of a call, would cost more than the caller or the operator allows. Nothing was sent. */
export class CostRefused extends Error {
  override readonly name = "CostRefused";
  readonly refusal: CostRefusal;

  constructor(refusal: CostRefusal) {
    super(`The cost is refused: ${refusal.kind}`);
    this.refusal = refusal;
  }
}

export type CostRefusal =
  /** Above the call's own `max_cost_usd`. */
  | { kind: "over_max"; askedUsd: number; maxUsd: number }
  /** Above what is left of the operator's budget for a day. */
  | { kind: "over_budget"; askedUsd: number; spentUsd: number; budgetUsd: number }
  /** There is a limit and no price to hold against it. */
  | { kind: "unknown_price"; processor: string };

/** The request left, its answer was lost, and it could not be had again. `cause` says what happened. */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";
  override readonly cause: TaskApiError;
  /** What a call with the same key does about it; see {@link WayOut}. */
  readonly wayOut: WayOut;

  constructor(cause: TaskApiError, wayOut: WayOut) {
    super(`${cause.message} It is not known whether the run was started.`);
    this.cause = cause;
    this.wayOut = wayOut;
  }
}

/**
 * How the outcome of a lost create can be learned. `same_key`: the same call with the same key starts nothing twice.
 * `list`: the list of runs looks for it. `none`: only the user can look.
 */
export type WayOut = "same_key" | "list" | "none";

/** The same request was sent before, and it is unknown whether it was accepted. It is not sent again. */
export class SentBefore extends Error {
  override readonly name = "SentBefore";
  readonly entry: LedgerEntry;

  constructor(entry: LedgerEntry) {
    super("The outcome of the same request, sent earlier, is not known");
    this.entry = entry;
  }
}

/** The same was asked before, as the message says in our words, and the caller wants no second run. Nothing was sent. */
export class DuplicateRefused extends Error {
  override readonly name = "DuplicateRefused";
}

/** The backend refused a request that broke rules which are the backend's to judge. */
export class DoubtedRequestRejected extends Error {
  override readonly name = "DoubtedRequestRejected";
  readonly rejection: RequestRejected;
  readonly doubts: readonly string[];

  constructor(rejection: RequestRejected, doubts: readonly string[]) {
    super(rejection.message, { cause: rejection });
    this.rejection = rejection;
    this.doubts = doubts;
  }
}

/** The error of a request about which there were doubts: a refusal is explained by them. */
export function explainedBy(doubts: readonly string[], error: unknown): unknown {
  return doubts.length > 0 && error instanceof RequestRejected
    ? new DoubtedRequestRejected(error, doubts)
    : error;
}
