import type { Logger } from "pino";
import type { Clock } from "../client/clock.ts";
import { oneLine } from "./reading/page-text.ts";

/** What is waited for. */
export interface ProgressSubject {
  /** Such as `Run trun_…`. */
  name: string;
}

/** What one `notifications/progress` says besides its token. */
export interface Progress {
  progress: number;
  total: number;
  message: string;
}

/** What a watcher knows about a run and a person waiting for it wants to see. */
export interface Observation {
  status: string;
  percent: number;
  latestMessage: string | null;
  sourcesRead: number | null;
  sourcesConsidered: number | null;
  /** How long such runs take, in words. */
  usual: string | null;
}

/** The meter of a run goes from 0 to 100. */
const TOTAL = 100;
/** A run that still is waited for has not arrived, whatever its meter says; the room above keeps progress rising. */
const HIGHEST = 99;
/** MCP asks servers to limit the rate; one a second is as fast as a person reads. */
const MIN_INTERVAL_MS = 1_000;
/** As long as a person believes that something still happens; far below any idle limit of a client (5 minutes). */
const HEARTBEAT_MS = 10_000;
/** Claude Code cuts progress messages at 200 characters. */
const MESSAGE_CHARS = 190;
/** The share of the way to 100 a notification takes when the meter stands still: rising, yet never there. */
const CREEP = 0.001;

export interface ProgressState {
  readonly subject: ProgressSubject;
  readonly startedAt: number;
  readonly observation: Observation | null;
  /** Something was observed that has not been sent. */
  readonly isNews: boolean;
  readonly sent: { readonly at: number; readonly progress: number } | null;
}

export function startProgress(subject: ProgressSubject, now: number): ProgressState {
  return { subject, startedAt: now, observation: null, isNews: true, sent: null };
}

/** Takes in what was observed; the same again is no news. */
export function observe(state: ProgressState, observation: Observation): ProgressState {
  const known = state.observation;
  const isNews =
    known === null ||
    known.status !== observation.status ||
    known.percent !== observation.percent ||
    known.latestMessage !== observation.latestMessage ||
    known.sourcesRead !== observation.sourcesRead;
  return isNews ? { ...state, observation, isNews: true } : state;
}

/** When the next notification goes out: the first at once, news a second after the last, a heartbeat otherwise. */
export function nextDueAt(state: ProgressState): number {
  if (state.sent === null) return state.startedAt;
  return state.sent.at + (state.isNews ? MIN_INTERVAL_MS : HEARTBEAT_MS);
}

/** The notification to send now. `progress` is strictly greater than any before it (MCP: Progress, "MUST increase"). */
export function takeProgress(
  state: ProgressState,
  now: number,
): { state: ProgressState; progress: Progress } {
  const highest = state.observation?.status === "completed" ? TOTAL : HIGHEST;
  const percent = Math.min(Math.max(state.observation?.percent ?? 0, 0), highest);
  const least = state.sent === null ? 0 : creepFrom(state.sent.progress);
  const progress = Math.max(percent, least);
  return {
    state: { ...state, isNews: false, sent: { at: now, progress } },
    progress: { progress, total: TOTAL, message: describe(state, now) },
  };
}

function creepFrom(progress: number): number {
  return progress + (TOTAL - progress) * CREEP;
}

function describe(state: ProgressState, now: number): string {
  const { observation } = state;
  const step = observation?.latestMessage ?? observation?.status ?? "waiting";
  const parts = [
    // The first one names the run, so that a call that is lost after it loses no run.
    state.sent === null ? `${state.subject.name}: ${step}` : step,
  ];
  if (typeof observation?.sourcesRead === "number" && observation.sourcesRead > 0) {
    const of = observation.sourcesConsidered === null ? "" : ` of ${observation.sourcesConsidered}`;
    parts.push(`${observation.sourcesRead}${of} sources read`);
  }
  if (!state.isNews) parts.push(`still working after ${elapsedSeconds(state, now)} s`);
  if (!state.isNews && state.observation?.usual) parts.push(state.observation.usual);
  // The facts at the end are short and ours; what is cut is the step.
  const [first = "", ...facts] = parts;
  const tail = facts.map((fact) => ` · ${fact}`).join("");
  return oneLine(first, MESSAGE_CHARS - tail.length) + tail;
}

function elapsedSeconds(state: ProgressState, now: number): number {
  return Math.round((now - state.startedAt) / 1000);
}

/** Sends the progress of one waiting call. */
export interface ProgressReporter {
  update(observation: Observation): void;
  /**
   * Sends what is still news, ahead of its second: a run that ends within it shows what it did all the same. Resolves
   * when that has left; then call {@link stop}.
   */
  finish(): Promise<void>;
  /** Nothing is sent after this. MUST be called before the call is answered (MCP: Progress). */
  stop(): void;
}

export const silentProgress: ProgressReporter = { update() {}, async finish() {}, stop() {} };

/** Sends the first notification at once. A send that fails ends the reporting: the caller is gone, the run is not. */
export function createProgressReporter(options: {
  subject: ProgressSubject;
  clock: Clock;
  log: Logger;
  send: (progress: Progress) => Promise<void>;
}): ProgressReporter {
  const { subject, clock, log, send } = options;
  let state = startProgress(subject, clock.elapsedMs());
  let isStopped = false;
  let isSending = false;
  let pause = new AbortController();

  function schedule(): void {
    // One at a time: a client that reads slowly gets fewer notifications, not a growing queue.
    if (isStopped || isSending) return;
    pause.abort();
    const delayMs = nextDueAt(state) - clock.elapsedMs();
    if (delayMs <= 0) {
      void deliver();
      return;
    }
    pause = new AbortController();
    // The only rejection is a pause that was cut short: another one, or none, has taken its place.
    clock.sleep(delayMs, pause.signal).then(deliver, () => {});
  }

  async function deliver(): Promise<void> {
    if (isStopped) return;
    const taken = takeProgress(state, clock.elapsedMs());
    state = taken.state;
    isSending = true;
    try {
      await send(taken.progress);
      isSending = false;
      schedule();
    } catch (error) {
      log.debug(
        { err: error, subject: subject.name },
        "progress could not be sent; no more of it for this call",
      );
      stop();
    }
  }

  function stop(): void {
    isStopped = true;
    pause.abort();
  }

  schedule();
  return {
    update(observation) {
      state = observe(state, observation);
      schedule();
    },
    async finish() {
      pause.abort();
      // A client that has not read the last one yet needs no further one.
      if (state.isNews && !isSending) await deliver();
    },
    stop,
  };
}
