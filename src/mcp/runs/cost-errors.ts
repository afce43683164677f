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

/** The request was sent, its answer was lost, and could not be obtained again. `cause` is the reason. */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";
  override readonly cause: TaskApiError;
  /** What a second call with the same key achieves; see {@link WayOut}. */
  readonly wayOut: WayOut;

  constructor(cause: TaskApiError, wayOut: WayOut) {
    super(`${cause.message} It is not known whether the run was started.`);
    this.cause = cause;
    this.wayOut = wayOut;
  }
}

/**
 * How to learn the outcome of a create whose answer was lost. `same_key`: repeat the call with the same key, which
 * starts nothing twice. `list`: listing the runs looks it up. `none`: only the user can find out.
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

/** The same request was sent before, as the message says, and the caller wants no second run. Nothing was sent. */
export class DuplicateRefused extends Error {
  override readonly name = "DuplicateRefused";
}

/** The backend rejected a request that broke rules which only the backend can judge. */
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

/** The error of a request with doubts: if the backend rejected it, the doubts explain why. */
export function explainedBy(doubts: readonly string[], error: unknown): unknown {
  return doubts.length > 0 && error instanceof RequestRejected
    ? new DoubtedRequestRejected(error, doubts)
    : error;
}
