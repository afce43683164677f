import { RunNotFound, RunStillActive, TaskApiError, isTransient } from "../../client/errors.ts";
import { READY_RESULT_SECONDS } from "../../client/follow/run-state-reader.ts";
import { type RunProgress, createRunMeter } from "../../client/follow/run-meter.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { LedgerUnavailable } from "../../ledger/errors.ts";
import type { RunOutput } from "../../task-api/output.ts";
import { type TaskRun, isOver, mayHaveResult } from "../../task-api/run.ts";
import type { Backend } from "./backend.ts";
import type { OpenCall } from "./call-context.ts";
import { createRunObserver } from "./observe-progress.ts";
import { finalRead, watchUntil } from "./watch-until.ts";

/** The part of a call that reading a run needs. */
export type ReadRunContext = Pick<OpenCall, "backend" | "clock" | "signal"> &
  Partial<Pick<OpenCall, "shutdownSignal" | "startProgress">>;

export interface ReadRunOptions {
  /** Waits for the run to end, at most this long, with progress; by default it is read once. */
  waitSeconds?: number;
  /**
   * What to read besides the state. `answer`: the output, or the steps of a run in `action_required`, because its
   * question may be in the steps only.
   */
  include?: "state" | "output" | "steps" | "answer";
  /** The run as the backend has just answered with it: it is only read again to wait for its end. */
  known?: TaskRun;
  /** Whether a run that the backend no longer has is read from the ledger. */
  orLedger?: boolean;
}

/** A run as it was read, and notes about where it was read from. */
export interface ReadRun {
  seen: RunSnapshot;
  notes: string[];
}

/**
 * Reads a run: waits, reads and falls back to the ledger as the options say. What was read is recorded in the ledger. A
 * caller that leaves only ends the waiting. Throws what the client throws, and the caller's abort reason.
 */
export async function readRun(
  runId: string,
  { waitSeconds = 0, include = "state", known, orLedger = false }: ReadRunOptions,
  call: ReadRunContext,
): Promise<ReadRun> {
  try {
    return { seen: await withParts(runId, await readState(), include, call), notes: [] };
  } catch (error) {
    if (!orLedger || !(error instanceof RunNotFound)) throw error;
    const seen = await snapshotFromLedger(runId, call.backend);
    if (seen === null) throw error;
    const note = "The backend no longer has this run; this is what was kept of it here.";
    return { seen, notes: [note] };
  }

  async function readState(): Promise<RunSnapshot> {
    if (waitSeconds > 0 && known?.is_active !== false) return waitForEnd(runId, waitSeconds, call);
    if (known !== undefined) return snapshotOf(known);
    const { backend, signal } = call;
    return record(snapshotOf(await backend.client.retrieveRun(runId, { signal })), backend);
  }
}

async function withParts(
  runId: string,
  seen: RunSnapshot,
  include: NonNullable<ReadRunOptions["include"]>,
  call: ReadRunContext,
): Promise<RunSnapshot> {
  switch (include) {
    case "state":
      return seen;
    case "output":
      return withOutput(runId, seen, call);
    case "steps":
      return withSteps(seen, call);
    case "answer": {
      const { status, warnings } = seen.run;
      const isQuestionMissing = status === "action_required" && !warnings?.length;
      return isQuestionMissing ? withSteps(seen, call) : withOutput(runId, seen, call);
    }
  }
}

async function waitForEnd(
  runId: string,
  seconds: number,
  { backend, clock, signal, shutdownSignal, startProgress }: ReadRunContext,
): Promise<RunSnapshot> {
  const { followers, client, prices } = backend;
  const observe = createRunObserver(prices, clock);
  // Followers read a run with its output. Where the output cannot be read, the run itself still may be.
  let watchError: unknown = null;
  const latest = await watchUntil(seconds, {
    clock,
    signal,
    shutdownSignal,
    progress: startProgress?.(`Run ${runId}`),
    watch: (ending) => followers.watch(runId, { signal: ending }),
    observe,
    isEnded: ({ run }) => !run.is_active,
  }).catch((error: unknown) => {
    if (!isTransient(error)) throw error;
    watchError = error;
    return null;
  });
  if (latest !== null) return record(latest, backend);
  const run = await finalRead({ clock, signal }, (ending) =>
    client.retrieveRun(runId, { signal: ending }),
  ).catch((error: unknown) => {
    throw watchError ?? error;
  });
  return record(snapshotOf(run), backend);
}

/** Adds the output, which is not part of the state; `staleReason` says why it cannot be read now. */
async function withOutput(
  runId: string,
  snapshot: RunSnapshot,
  { backend, signal }: ReadRunContext,
): Promise<RunSnapshot> {
  const { run } = snapshot;
  if (snapshot.output !== null || !mayHaveResult(run)) return snapshot;
  const timeoutSeconds = READY_RESULT_SECONDS;
  try {
    const { output } = await backend.client.retrieveResult(runId, { timeoutSeconds, signal });
    return await record({ ...snapshot, output, percent: 100 }, backend);
  } catch (error) {
    if (error instanceof RunStillActive && run.status !== "completed") {
      // A status newer than this server: the backend has answered that the run is still active.
      return isOver(run) ? snapshot : { ...snapshot, run: { ...run, is_active: true } };
    }
    // The run has ended and the backend has no result of it any more. The ledger may.
    if (error instanceof RunNotFound) {
      return { ...snapshot, output: await outputFromLedger(runId, backend) };
    }
    if (isTransient(error)) {
      const output = await outputFromLedger(runId, backend);
      return { ...snapshot, output, staleReason: output === null ? error.message : null };
    }
    throw error;
  }
}

/** The replay of recorded steps arrives within this time, or not at all. */
const REPLAY_MS = 2_000;
/** A replay comes in one go: what comes after such a pause is new. */
const QUIET_MS = 300;

/**
 * Adds the steps that the run's event stream replays. The hosted API's stream of an ended run has only its state (Task
 * API, 9.3): then the last steps in the ledger are taken.
 */
async function withSteps(snapshot: RunSnapshot, call: ReadRunContext): Promise<RunSnapshot> {
  const { run } = snapshot;
  if (snapshot.messages.length > 0) return snapshot;
  const { messages: replayed, ...progress } = await readReplay(run.run_id, call);
  const entry = replayed.length > 0 ? null : await ifReadable(call.backend.ledger.find(run.run_id));
  return { ...snapshot, ...(run.is_active && progress), messages: entry?.messages ?? replayed };
}

async function readReplay(
  runId: string,
  { backend, clock, signal }: ReadRunContext,
): Promise<RunProgress> {
  const meter = createRunMeter();
  const enough = new AbortController();
  const end = () => enough.abort();
  const stopTimer = clock.startTimer(REPLAY_MS, end);
  let stopPause = () => {};
  const ending = AbortSignal.any([signal, enough.signal]);
  try {
    for await (const event of backend.client.streamEvents(runId, { signal: ending })) {
      if (event.type !== "task_run.state" && event.type !== "error") meter.take(event);
      stopPause();
      stopPause = clock.startTimer(QUIET_MS, end);
    }
  } catch (error) {
    signal.throwIfAborted();
    // The state was read; the steps are an extra.
    if (!enough.signal.aborted && !(error instanceof TaskApiError)) throw error;
  } finally {
    stopTimer();
    stopPause();
  }
  return meter.read();
}

async function record(seen: RunSnapshot, { ledger }: Backend): Promise<RunSnapshot> {
  await ledger.record(seen.run.run_id, seen);
  return seen;
}

/** A snapshot of a run of which only the state is known. */
export function snapshotOf(run: TaskRun): RunSnapshot {
  return {
    run,
    output: null,
    staleReason: null,
    ...createRunMeter().read(),
    percent: run.status === "completed" ? 100 : 0,
  };
}

/** Null unless the run had ended when it was last recorded, and while the ledger cannot be read. */
async function snapshotFromLedger(runId: string, backend: Backend): Promise<RunSnapshot | null> {
  const entry = await ifReadable(backend.ledger.find(runId));
  if (entry === null || !isOver({ status: entry.status, is_active: entry.isActive })) return null;
  const output = await outputFromLedger(runId, backend);
  const run: TaskRun = {
    run_id: runId,
    status: entry.status,
    is_active: false,
    processor: entry.processor,
    created_at: entry.createdAt,
    modified_at: entry.finishedAt ?? entry.modifiedAt,
    interaction_id: entry.interactionId,
    taskgroup_id: entry.taskgroupId,
    error: entry.error === null ? null : { message: entry.error },
  };
  return {
    ...snapshotOf(run),
    output,
    percent: entry.status === "completed" || output !== null ? 100 : (entry.percent ?? 0),
    latestMessage: entry.messages.at(-1)?.message ?? null,
    messages: entry.messages,
  };
}

function outputFromLedger(runId: string, { ledger }: Backend): Promise<RunOutput | null> {
  return ifReadable(ledger.readOutput(runId));
}

/** The backend's answer is still valid when the ledger cannot be read. */
async function ifReadable<Kept>(reading: Promise<Kept | null>): Promise<Kept | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof LedgerUnavailable) return null;
    throw error;
  }
}
