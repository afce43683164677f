import { randomUUID } from "node:crypto";
import { RunNotFound, TaskApiError } from "../../client/errors.ts";
import { LedgerUnavailable } from "../../ledger/errors.ts";
import { fingerprintRequest } from "../../ledger/fingerprint-request.ts";
import type { Ledger, LedgerEntry, Reservation, StartRunRequest } from "../../ledger/ledger.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import type { TaskRun } from "../../task-api/run.ts";
import { InvalidArguments } from "../arguments/argument-problems.ts";
import { type Backend, BackendUnavailable } from "./backend.ts";
import { type Budgets, assertAffordable } from "./budget.ts";
import type { OpenCall } from "./call-context.ts";
import { CostRefused, OutcomeUnknown, SentBefore, type WayOut } from "./cost-errors.ts";
import { resolveRuns } from "./resolve-unknown.ts";

export interface StartedRun {
  run: TaskRun;
  /** `known`: the key has a run already. `joined`: an identical call was under way, and both got its run. */
  origin: "started" | "known" | "joined";
  notes: string[];
}

/** The part of a call that starting runs needs. */
type StartContext = Budgets & Pick<OpenCall, "backend" | "log">;

/** Another process may be sending the same request: it has its answer by then, or its backend is very slow. */
const OTHER_SENDER_MS = 35_000;

/** Creates that are not answered yet, by fingerprint; per ledger, because a ledger holds the runs of one principal. */
const inFlight = new WeakMap<Ledger, Map<string, Promise<StartedRun>>>();

/**
 * Starts a run, once: it is reserved in the ledger before it is sent, so that a crash in between leaves a record.
 * Identical requests in flight become one run. It does not stop when the caller leaves, because a run that the backend
 * accepts exists and may be billed. Throws `CostRefused`, `OutcomeUnknown`, `SentBefore`,
 * `InvalidArguments`, and what the client throws when nothing was started.
 */
export async function startRun(
  request: StartRunRequest,
  call: StartContext & { maxCostUsd: number | undefined },
): Promise<StartedRun> {
  const { prices, ledger } = call.backend;
  assertAffordable([request.input.processor], prices, call);
  const requests = inFlight.get(ledger) ?? new Map<string, Promise<StartedRun>>();
  inFlight.set(ledger, requests);
  const fingerprint = fingerprintRequest([request.input, request.idempotencyKey]);
  const same = requests.get(fingerprint);
  if (same !== undefined) return { ...(await same), origin: "joined" };
  const started = reserveAndSend(request, call).finally(() => requests.delete(fingerprint));
  requests.set(fingerprint, started);
  return started;
}

async function reserveAndSend(request: StartRunRequest, call: StartContext): Promise<StartedRun> {
  const { backend } = call;
  const { input } = request;
  const reserved = await reserveInLedger([request], call);
  const [first] = reserved.entries;
  const { notes } = reserved;
  if (first === undefined) {
    const run = await send(randomUUID(), input, backend, "none");
    const isRecorded = await backend.ledger.adopt([{ request, run }]);
    return { run, origin: "started", notes: isRecorded ? [] : notes };
  }
  const { entry, isNew } = first;
  if (isNew) return sendEntry(entry, true, input, backend, notes);
  const found = await findOrSendAgain(entry, input, backend, notes);
  // The request that held the key was not accepted: the key is free.
  return found ?? reserveAndSend(request, call);
}

/**
 * The run that was reserved under the same key before; a backend that honours keys can be sent it once more. Null when
 * it was never accepted.
 */
async function findOrSendAgain(
  earlier: LedgerEntry,
  input: RunInput,
  backend: Backend,
  notes: string[],
): Promise<StartedRun | null> {
  const { client, ledger } = backend;
  if (earlier.runId !== null) return knownRun(earlier, earlier.runId, backend, notes);
  const isHonoured = await client.honoursIdempotencyKeys().catch((error: unknown) => {
    throw stillUnknown(error);
  });
  // A backend that honours the key gives two senders the same run; elsewhere the second waits for the first.
  const [waited] = await ledger.whenSent([earlier.entryId], isHonoured ? 0 : OTHER_SENDER_MS);
  if (waited === undefined) return null;
  if (isHonoured) await resolveRuns([waited], backend);
  const [entry] = await ledger.whenSent([waited.entryId], 0);
  if (entry === undefined) return null;
  if (entry.runId !== null) return knownRun(entry, entry.runId, backend, notes);
  if (!isHonoured) throw new SentBefore(entry);
  return sendEntry(entry, false, input, backend, notes);
}

/** The run as the backend has it. When it cannot be read now, as the ledger has it: its id must not be lost. */
async function knownRun(
  entry: LedgerEntry,
  runId: string,
  { client }: Backend,
  notes: string[],
): Promise<StartedRun> {
  try {
    return { run: await client.retrieveRun(runId), origin: "known", notes };
  } catch (error) {
    if (!(error instanceof TaskApiError)) throw error;
    const { status, isActive, processor, createdAt, modifiedAt, interactionId } = entry;
    const run: TaskRun = {
      run_id: runId,
      status,
      is_active: isActive,
      processor,
      created_at: createdAt,
      modified_at: modifiedAt,
      interaction_id: interactionId,
      error: entry.error === null ? null : { message: entry.error },
    };
    const why =
      error instanceof RunNotFound
        ? "The backend no longer has this run"
        : `The run could not be read (${error.message})`;
    return { run, origin: "known", notes: [...notes, `${why}; it is shown as last seen.`] };
  }
}

async function sendEntry(
  { entryId, idempotencyKey }: LedgerEntry,
  isNew: boolean,
  input: RunInput,
  backend: Backend,
  notes: string[],
): Promise<StartedRun> {
  const { ledger } = backend;
  try {
    const wayOut = idempotencyKey === null ? "list" : "same_key";
    const run = await send(idempotencyKey ?? randomUUID(), input, backend, wayOut);
    const isRecorded = await ledger.accept([{ entryId, run }]);
    const note = "The run_id could not be written down yet: keep it. It is tried again.";
    return { run, origin: "started", notes: isRecorded ? notes : [...notes, note] };
  } catch (error) {
    if (isNew && error instanceof TaskApiError) await ledger.release([entryId]);
    else await ledger.endSending([entryId]);
    throw isNew ? error : stillUnknown(error);
  }
}

/** The run was sent before, so an error now does not show whether the earlier request has started it. */
function stillUnknown(error: unknown): unknown {
  return error instanceof TaskApiError ? new OutcomeUnknown(error, "same_key") : error;
}

/**
 * Sends a run, always with a key, so that a backend that honours keys can get the request again when its answer is
 * lost. Throws `OutcomeUnknown`, and the client's errors when nothing was started.
 */
async function send(
  idempotencyKey: string,
  input: RunInput,
  { client }: Backend,
  wayOut: WayOut,
): Promise<TaskRun> {
  try {
    return await client.createRun(input, { idempotencyKey });
  } catch (error) {
    if (!(error instanceof TaskApiError) || error.notProcessed) throw error;
    const isHonoured = await client.honoursIdempotencyKeys().catch(() => false);
    throw new OutcomeUnknown(error, isHonoured ? wayOut : "none");
  }
}

/**
 * Reserves runs in the ledger before they are sent. A ledger that cannot be written to stops a run only when the call
 * relies on it: for a budget or an idempotency key. Throws `CostRefused`, `InvalidArguments`, `BackendUnavailable`.
 */
export async function reserveInLedger(
  requests: readonly StartRunRequest[],
  { backend: { ledger }, budgetUsdPerDay, ownBudgetUsdPerDay, log }: StartContext,
): Promise<{ entries: { entry: LedgerEntry; isNew: boolean }[]; notes: string[] }> {
  let reservation: Reservation;
  try {
    reservation = await ledger.reserve(requests, { budgetUsdPerDay, ownBudgetUsdPerDay });
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error;
    log().error({ err: error }, "runs cannot be written down");
    const reliesOnIt =
      budgetUsdPerDay !== undefined ||
      requests.some(({ idempotencyKey }) => idempotencyKey !== null);
    if (reliesOnIt) throw new BackendUnavailable(error.message, { cause: error });
    return {
      entries: [],
      notes: [`${error.message}. Keep the ids: this run is not written down.`],
    };
  }
  switch (reservation.kind) {
    case "reserved":
      return { entries: reservation.entries, notes: [] };
    case "over_budget": {
      const { askedUsd, spentUsd, budgetUsd } = reservation;
      throw new CostRefused({ kind: "over_budget", askedUsd, spentUsd, budgetUsd });
    }
    case "key_conflict":
      throw keyConflict(reservation.entry?.runId ? `run ${reservation.entry.runId}` : null);
  }
}

/** The key belongs to another request; `owner` names the run or group of that. */
export function keyConflict(owner: string | null): InvalidArguments {
  const fix = `the key belongs to another request${owner === null ? "" : ` (${owner})`}; use the same arguments as then, or a new key`;
  return new InvalidArguments([{ argument: "idempotency_key", fix }]);
}

/** The entry of a key; null when the key is free. Throws `InvalidArguments` when it belongs to another request. */
export async function findKeyed(
  { input, idempotencyKey }: StartRunRequest,
  { ledger }: Backend,
): Promise<LedgerEntry | null> {
  if (idempotencyKey === null) return null;
  const entry = await ledger.findByKey(idempotencyKey);
  if (entry === null || entry.fingerprint === fingerprintRequest(input)) return entry;
  throw keyConflict(entry.runId === null ? null : `run ${entry.runId}`);
}
