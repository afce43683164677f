import type { Logger } from "pino";
import type { Clock } from "../../runtime/clock.ts";
import { oneLine } from "../report/text.ts";

/** The content of one `notifications/progress`, besides its token. */
export interface Progress {
  progress: number;
  /** Missing while nothing was observed. */
  total?: number;
  message: string;
}

/** How far a run or a group is, in numbers and words. */
export interface Observation {
  /** How much of `total` is done. */
  done: number;
  total: number;
  /** The progress reaches its total only when this is true. */
  isCompleted: boolean;
  /** What happens now, in words. */
  step: string;
  /** Other facts to report at that moment (of the monotonic clock), in our own words. */
  facts(nowMs: number): string[];
}

/** A run that is watched already is known within milliseconds, and its bar must not begin at zero again. */
const FIRST_STATE_MS = 1_000;
/** As often as a person can read; MCP asks servers to limit the rate. */
const MIN_INTERVAL_MS = 2_000;
/** Short enough that a user does not think the call hangs; far below any idle limit of a client (5 minutes). */
const HEARTBEAT_MS = 10_000;
/** Claude Code cuts progress messages at 200 characters. */
const MESSAGE_CHARS = 190;

export interface ProgressState {
  readonly subject: string;
  readonly startedAt: number;
  readonly observation: Observation | null;
  /** A change that is worth a notification of its own has not been sent. */
  readonly hasChanged: boolean;
  readonly sent: { readonly at: number; readonly hundredths: number } | null;
}

export function startProgress(subject: string, now: number): ProgressState {
  return { subject, startedAt: now, observation: null, hasChanged: true, sent: null };
}

/** Takes an observation in. A change is another whole number, another total or another step. */
export function observe(state: ProgressState, observation: Observation): ProgressState {
  const known = state.observation;
  const hasChanged =
    state.hasChanged ||
    known === null ||
    Math.floor(known.done) !== Math.floor(observation.done) ||
    known.total !== observation.total ||
    known.step !== observation.step;
  return { ...state, observation, hasChanged };
}

/** When the next notification goes out: the first with the first state, a change after an interval, a heartbeat otherwise. */
export function nextDueAt(state: ProgressState): number {
  if (nextHundredths(state) === null) return Infinity;
  if (state.sent === null)
    return state.startedAt + (state.observation === null ? FIRST_STATE_MS : 0);
  return state.sent.at + (state.hasChanged ? MIN_INTERVAL_MS : HEARTBEAT_MS);
}

/** The notification to send now; null when there is no room to rise. */
export function takeProgress(
  state: ProgressState,
  now: number,
): { state: ProgressState; progress: Progress } | null {
  const hundredths = nextHundredths(state);
  if (hundredths === null) return null;
  return {
    state: { ...state, hasChanged: false, sent: { at: now, hundredths } },
    progress: {
      progress: hundredths / 100,
      ...(state.observation !== null && { total: state.observation.total }),
      message: describe(state, now),
    },
  };
}

/**
 * The next progress, in hundredths. It is the whole number that was observed. MCP wants each notification to rise above
 * the one before ("MUST increase"), also where nothing moved; such a one adds 0.01, which claims nothing: heartbeats
 * alone take a quarter of an hour to the next whole number. The total belongs to what is completed; short of it, there
 * is no further notification.
 */
function nextHundredths({ observation, sent }: ProgressState): number | null {
  const least = sent === null ? 0 : sent.hundredths + 1;
  if (observation === null) return least;
  const { done, total, isCompleted } = observation;
  const highest = isCompleted ? total : Math.max(total - 1, 0);
  const observed = Math.floor(Math.min(Math.max(done, 0), highest)) * 100;
  const next = Math.max(observed, least);
  return next < total * 100 || (isCompleted && next === total * 100) ? next : null;
}

function describe({ subject, observation, sent }: ProgressState, now: number): string {
  const step = observation?.step ?? "waiting";
  // The facts at the end are short and ours; what is cut is the step.
  const tail = (observation?.facts(now) ?? []).map((fact) => ` · ${fact}`).join("");
  // The first one names the run, so that a call that is lost after it loses no run.
  return oneLine(sent === null ? `${subject}: ${step}` : step, MESSAGE_CHARS - tail.length) + tail;
}

/** Sends the progress of one waiting call. */
export interface ProgressReporter {
  update(observation: Observation): void;
  /**
   * Sends a change that is still waiting for its interval, so that a run that ends soon shows what it did. Resolves when
   * that has left; then call {@link stop}.
   */
  finish(): Promise<void>;
  /** Nothing is sent after this. MUST be called before the call is answered (MCP: Progress). */
  stop(): void;
}

export const silentProgress: ProgressReporter = { update() {}, async finish() {}, stop() {} };

/** A send that fails ends the reporting: the caller is gone, the run is not. */
export function createProgressReporter(options: {
  subject: string;
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
    if (delayMs === Infinity) return;
    if (delayMs <= 0) {
      void deliver();
      return;
    }
    pause = new AbortController();
    // The sleep rejects only when the pause was cut short; the code that did so continues from there.
    clock.sleep(delayMs, pause.signal).then(deliver, () => {});
  }

  async function deliver(): Promise<void> {
    if (isStopped) return;
    const taken = takeProgress(state, clock.elapsedMs());
    if (taken === null) return;
    state = taken.state;
    isSending = true;
    try {
      await send(taken.progress);
      isSending = false;
      schedule();
    } catch (error) {
      log.debug({ err: error, subject }, "progress could not be sent; no more of it for this call");
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
      if (state.hasChanged && !isSending) await deliver();
    },
    stop,
  };
}
