import type { Logger } from "pino";
import type { Clock } from "../../runtime/clock.ts";
import type { Webhook } from "../../task-api/run-input.ts";
import type { Backend } from "./backend.ts";
import { type ProgressReporter, silentProgress } from "./progress.ts";
import { type WaitLimits, type WaitPolicy, waitLimitsOf } from "./wait-policy.ts";

/** The context of a call before it opens the backend. */
export interface CallContext {
  /** Opens the backend on first use: wrong arguments are answered without it. Throws `BackendUnavailable`. */
  open(): Promise<OpenCall>;
  defaultProcessor: string;
  /** The webhook for runs that are started here, unless a call gives another one. */
  webhook: Webhook | undefined;
  /** US dollars that may be spent in a UTC day; undefined for no limit. */
  budgetUsdPerDay: number | undefined;
  /** How much of it this principal may spend; undefined for no limit. */
  ownBudgetUsdPerDay: number | undefined;
  /** How long the calls of this client may wait. */
  waits: WaitLimits;
  clock: Clock;
  /** The log of this call, made on first use: most calls log nothing. */
  log: () => Logger;
  /** Aborts when the caller gives up. It ends the waiting and nothing else: a dropped call never cancels a run. */
  signal: AbortSignal;
  /** Aborts when the server shuts down. It ends the waiting too, and the call is answered with what is known. */
  shutdownSignal: AbortSignal | undefined;
  /** Starts to report the progress of `subject` ("Run trun_…"); silent unless the caller asked for progress. */
  startProgress(subject: string): ProgressReporter;
}

/** A call with its backend. */
export interface OpenCall extends CallContext {
  backend: Backend;
}

/** What all calls of one principal share. */
export interface CallServices extends Omit<
  CallContext,
  "open" | "waits" | "log" | "signal" | "startProgress"
> {
  openBackend(): Promise<Backend>;
  waitPolicy: WaitPolicy;
}

/** What differs from call to call. */
export interface CallFacts extends Pick<CallContext, "log" | "signal"> {
  /** The name that the client reports. */
  clientName?: string | undefined;
  startProgress?: CallContext["startProgress"] | undefined;
}

export function createCallContext(
  { openBackend, waitPolicy, ...services }: CallServices,
  { clientName, startProgress = () => silentProgress, ...facts }: CallFacts,
): CallContext {
  const context: CallContext = {
    ...services,
    ...facts,
    waits: waitLimitsOf(waitPolicy, clientName),
    startProgress,
    open: async () => ({ ...context, backend: await openBackend() }),
  };
  return context;
}
