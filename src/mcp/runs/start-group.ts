import { randomUUID } from "node:crypto";
import { RequestRejected, TaskApiError } from "../../client/errors.ts";
import { fingerprintRequest } from "../../ledger/fingerprint-request.ts";
import { type LedgerEntry, type StartRunRequest, UNKNOWN } from "../../ledger/ledger.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import { TaskGroupLimits, type TaskGroupMetadata } from "../../task-api/task-group.ts";
import type { TaskSpec } from "../../task-api/task-spec.ts";
import type { Backend } from "./backend.ts";
import type { Batch } from "../report/run-report.ts";
import { type Budgets, assertAffordable } from "./budget.ts";
import type { OpenCall } from "./call-context.ts";
import { resolveGroup } from "./resolve-unknown.ts";
import { keyConflict, reserveInLedger } from "./start-run.ts";

/** Runs to start in one group. */
export interface StartGroupRequest {
  /** Undefined: a new group. */
  taskgroupId: string | undefined;
  inputs: readonly RunInput[];
  /** For inputs that have no spec of their own. */
  defaultTaskSpec: TaskSpec | undefined;
  /** The metadata of a new group. */
  metadata: TaskGroupMetadata | undefined;
  /** The same key means the same group. */
  idempotencyKey: string | undefined;
  /** For each input its key: the same key means the same run. */
  keys: readonly (string | null)[];
  /** For each input the run of the group that it retries. */
  retryOf: readonly (string | null)[];
  maxCostUsd: number | undefined;
}

/** The part of a request that the same key must repeat. */
type KeyedRequest = Omit<StartGroupRequest, "keys" | "retryOf" | "maxCostUsd">;

export interface StartedGroup {
  taskgroupId: string;
  batches: Batch[];
  /** How many runs the backend accepted in this call. */
  added: number;
  /** The error that stopped the sending before everything was sent. */
  error: TaskApiError | null;
  notes: string[];
}

/** A run to start, and its entry in the ledger; null when it could not be reserved. */
interface Line {
  input: RunInput;
  request: StartRunRequest;
  entry: LedgerEntry | null;
  isNew: boolean;
}

/** The outcome of a batch, and the lines that were sent in it. */
interface SentBatch extends Batch {
  lines: readonly Line[];
  sent: readonly Line[];
}

type StartContext = Budgets & Pick<OpenCall, "backend" | "log" | "clock">;

/** More than any group has. */
const ALL = 1_000_000;
/** Another process may be sending the same list: a batch of a thousand is answered by then, or the backend is very slow. */
const OTHER_SENDER_MS = 35_000;

/** The group that a key has already; null when the key is free. Throws `InvalidArguments` when it belongs to another request. */
export async function findKeyedGroup(
  request: KeyedRequest,
  { ledger }: Pick<Backend, "ledger">,
): Promise<string | null> {
  const { idempotencyKey } = request;
  if (idempotencyKey === undefined) return null;
  const earlier = await ledger.findGroupRequest(idempotencyKey);
  return earlier === null ? null : assertSameRequest(earlier, fingerprintOf(request));
}

function fingerprintOf({ taskgroupId, inputs, defaultTaskSpec, metadata }: KeyedRequest): string {
  return fingerprintRequest([taskgroupId, inputs, defaultTaskSpec, metadata]);
}

function assertSameRequest(
  earlier: { taskgroupId: string; fingerprint: string },
  fingerprint: string,
): string {
  if (earlier.fingerprint === fingerprint) return earlier.taskgroupId;
  throw keyConflict(`group ${earlier.taskgroupId}`);
}

/**
 * Starts many runs: all are reserved in the ledger, then sent a thousand at a time. Failures are reported per batch.
 * The same keys start nothing twice. It does not stop when the caller leaves. Throws `CostRefused`, `InvalidArguments`,
 * and the client's errors when there is no group: then nothing was started.
 */
export async function startGroup(
  request: StartGroupRequest,
  call: StartContext,
): Promise<StartedGroup> {
  const { backend } = call;
  const processors = request.inputs.map(({ processor }) => processor);
  assertAffordable(processors, backend.prices, { ...call, maxCostUsd: request.maxCostUsd });
  const taskgroupId = await openGroup(request, backend);
  if (request.keys.some((key) => key !== null)) await resolveEarlier(taskgroupId, call);
  const runs = request.inputs.map((input, index): StartRunRequest => ({
    // Fingerprint the input with its task spec: the same question with another spec is another request.
    input: { task_spec: request.defaultTaskSpec, ...input },
    priceUsd: backend.prices.priceUsd(input.processor) ?? null,
    taskgroupId,
    idempotencyKey: request.keys[index] ?? null,
    retryOf: request.retryOf[index] ?? null,
  }));
  const { entries, notes } = await reserveInLedger(runs, call);
  const lines = request.inputs.flatMap((input, index): Line[] => {
    const run = runs[index];
    if (run === undefined) return [];
    const { entry, isNew } = entries[index] ?? { entry: null, isNew: true };
    return [{ input, request: run, entry, isNew }];
  });
  const { batches, error, isRecorded } = await sendLines(lines, taskgroupId, request, backend);
  await resolveOutcomes(batches, taskgroupId, call);
  return {
    taskgroupId,
    batches: batches.map(({ lines: _lines, sent: _sent, ...batch }) => batch),
    added: batches.reduce(
      (sum, { outcome, sent }) => sum + (outcome === "added" ? sent.length : 0),
      0,
    ),
    error,
    notes: isRecorded
      ? []
      : [...notes, "The run ids could not be written down yet: keep the taskgroup_id."],
  };
}

/**
 * The group to add to: the one that the call names, the one that belongs to the key, or a new one, which costs nothing.
 */
async function openGroup(request: KeyedRequest, { client, ledger }: Backend): Promise<string> {
  const { idempotencyKey, inputs, metadata } = request;
  const createGroup = async (key: string) => {
    const body = { ...(metadata && { metadata }) };
    return (await client.createGroup(body, { idempotencyKey: key })).taskgroup_id;
  };
  if (idempotencyKey === undefined) return request.taskgroupId ?? createGroup(randomUUID());
  const earlier = await findKeyedGroup(request, { ledger });
  if (earlier !== null) return earlier;
  const fingerprint = fingerprintOf(request);
  const taskgroupId =
    // Not the caller's key itself, which may also be the key of a run.
    request.taskgroupId ?? (await createGroup(fingerprintRequest(["group", idempotencyKey])));
  const first = await ledger.rememberGroup({
    taskgroupId,
    idempotencyKey,
    fingerprint,
    size: inputs.length,
  });
  // Another process may have been first: its group counts, and ours stays empty, which costs nothing.
  return assertSameRequest(first.request, fingerprint);
}

/** Runs of the group whose answer was lost earlier get their ids, or may be sent again. */
async function resolveEarlier(
  taskgroupId: string,
  { backend, clock, log }: StartContext,
): Promise<void> {
  const { ledger } = backend;
  const { entries } = await ledger.list({ taskgroupId, status: [UNKNOWN], limit: ALL });
  if (entries.length === 0) return;
  await ledger.whenSent(
    entries.map(({ entryId }) => entryId),
    OTHER_SENDER_MS,
  );
  try {
    await resolveGroup(taskgroupId, backend, { clock, released: "now" });
  } catch (error) {
    if (!(error instanceof TaskApiError)) throw error;
    log().warn(
      { err: error, taskgroup_id: taskgroupId },
      "lost runs of a group cannot be looked up",
    );
  }
}

async function sendLines(
  lines: readonly Line[],
  taskgroupId: string,
  { defaultTaskSpec }: KeyedRequest,
  { client, ledger }: Backend,
): Promise<{ batches: SentBatch[]; error: TaskApiError | null; isRecorded: boolean }> {
  const batches: SentBatch[] = [];
  let stoppedBy: TaskApiError | null = null;
  let isRecorded = true;
  for (let start = 0; start < lines.length; start += TaskGroupLimits.inputsPerRequest) {
    const slice = lines.slice(start, start + TaskGroupLimits.inputsPerRequest);
    const fresh = slice.filter(({ isNew }) => isNew);
    const batch = { from: start + 1, to: start + slice.length, lines: slice, sent: fresh };
    const entryIds = idsOf(fresh);
    if (fresh.length === 0) {
      batches.push({ ...batch, outcome: "added_before" });
      continue;
    }
    if (stoppedBy !== null && !(stoppedBy instanceof RequestRejected)) {
      // Only a rejection concerns its own batch alone.
      await ledger.release(entryIds);
      batches.push({ ...batch, outcome: "not_sent" });
      continue;
    }
    try {
      const run_ids = await addRuns(fresh, []);
      if (run_ids.length !== fresh.length) {
        await ledger.endSending(entryIds);
        const reason = `The backend named ${run_ids.length} runs for ${fresh.length} inputs`;
        batches.push({ ...batch, outcome: "unknown", reason });
        continue;
      }
      isRecorded = (await recordIds(fresh, run_ids)) && isRecorded;
      const unread = run_ids.filter((id) => id === "").length;
      if (unread > 0) await ledger.endSending(entryIds);
      const reason = `The backend named ${unread} of the runs in a way that cannot be read`;
      batches.push(
        unread === 0 ? { ...batch, outcome: "added" } : { ...batch, outcome: "unknown", reason },
      );
    } catch (error) {
      if (!(error instanceof TaskApiError)) throw error;
      stoppedBy = error;
      const { message: reason, notProcessed } = error;
      if (notProcessed) await ledger.release(entryIds);
      else await ledger.endSending(entryIds);
      batches.push({ ...batch, outcome: notProcessed ? "refused" : "unknown", reason });
    }
  }
  return { batches, error: stoppedBy, isRecorded };

  /**
   * On a backend that honours keys, sending the same runs again is the same request, also after a crash. Its answer may
   * name runs that a batch with the same questions got meanwhile (`taken`): then as many are still missing.
   */
  async function addRuns(wanted: readonly Line[], taken: readonly string[]): Promise<string[]> {
    const body = {
      inputs: wanted.map(({ input }) => input),
      ...(defaultTaskSpec && { default_task_spec: defaultTaskSpec }),
    };
    const keys = wanted.map((line) => line.request.idempotencyKey);
    const idempotencyKey = keys.includes(null)
      ? randomUUID()
      : fingerprintRequest(["add-runs", taskgroupId, keys, body, ...taken]);
    const { run_ids: runIds } = await client.addRuns(taskgroupId, body, { idempotencyKey });
    if (runIds.length !== wanted.length) return runIds;
    const claimed = await ledger.findClaimed(runIds).catch(() => new Set<string>());
    const missing = wanted.filter((_line, index) => claimed.has(runIds[index] ?? ""));
    if (missing.length === 0) return runIds;
    const others = await addRuns(missing, [...taken, ...claimed]);
    return runIds.map((id) => (claimed.has(id) ? (others.shift() ?? "") : id));
  }

  function recordIds(fresh: readonly Line[], runIds: readonly string[]): Promise<boolean> {
    const started = fresh.flatMap(({ entry, request }, index) => {
      const run_id = runIds[index];
      // An id that could not be read: its entry stays unknown, and the others keep their places.
      return run_id === undefined || run_id === "" ? [] : [{ entry, request, run: { run_id } }];
    });
    const accepted = started.flatMap(({ entry, run }) =>
      entry === null ? [] : [{ entryId: entry.entryId, run }],
    );
    return accepted.length > 0 ? ledger.accept(accepted) : ledger.adopt(started);
  }
}

/**
 * Looks up the outcome of unresolved batches: from the process that is sending them, or from the group itself. After a
 * failure here it stays unknown.
 */
async function resolveOutcomes(
  batches: readonly SentBatch[],
  taskgroupId: string,
  { backend, clock, log }: StartContext,
): Promise<void> {
  const { ledger } = backend;
  const isWaiting = ({ isNew, entry }: Line) => !isNew && entry?.runId === null;
  const openLines = ({ outcome, lines, sent }: SentBatch) =>
    outcome === "unknown" ? sent : outcome === "added_before" ? lines.filter(isWaiting) : [];
  const ids = idsOf(batches.flatMap(openLines));
  const note = (err: unknown) =>
    log().warn({ err, taskgroup_id: taskgroupId }, "lost runs of a group cannot be looked up");
  try {
    if (ids.length > 0) {
      await ledger.whenSent(ids, OTHER_SENDER_MS);
      await resolveGroup(taskgroupId, backend, { clock, released: "never" });
    }
  } catch (error) {
    note(error);
  }
  const entries = ids.length === 0 ? [] : await ledger.whenSent(ids, 0).catch(note);
  const latest = new Map(entries?.map((entry) => [entry.entryId, entry]));
  for (const batch of batches) {
    const open = openLines(batch);
    const isKnown = ({ entry }: Line) => (latest.get(entry?.entryId ?? 0)?.runId ?? null) !== null;
    const unknown = open.filter((line) => !isKnown(line)).length;
    if (open.length === 0) continue;
    if (batch.outcome === "unknown" && unknown === 0) {
      batch.outcome = "added";
      delete batch.reason;
    } else if (batch.outcome === "added_before" && unknown > 0) {
      batch.outcome = "unknown";
      batch.reason = `${unknown} of them were sent before, and it is not known whether they were accepted`;
    }
  }
}

function idsOf(lines: readonly Line[]): number[] {
  return lines.flatMap(({ entry }) => (entry === null ? [] : [entry.entryId]));
}
