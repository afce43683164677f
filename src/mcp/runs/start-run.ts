import { randomUUID } from "node:crypto";
import { RunNotFound, TaskApiError } from "../../client/errors.ts";
import { LedgerUnavailable } from "../../ledger/errors.ts";
import { fingerprintRequest } from "../../ledger/fingerprint-request.ts";
import type { Ledger, LedgerEntry, Reservation, StartRunRequest } from "../../ledger/ledger.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import type { TaskRun } from "../../task-api/run.ts";
import { InvalidArguments } from "../arguments/argument-problems.ts";
import { type Backend, BackendUnavailable } from "./backend.ts";
import { type Budgets, checkCost } from "./budget.ts";
import { CostRefused, OutcomeUnknown, SentBefore, type WayOut } from "./cost-errors.ts";
import { settleRuns } from "./resolve-unknown.ts";
import type { ToolContext } from "../tool.ts";

/** A run somebody wants. */
export interface RunOrder {
  input: RunInput;
  /** The same key means the same run, also in other processes and after a restart. */
  idempotencyKey: string | undefined;
  maxCostUsd: number | undefined;
}

export interface PlacedRun {
  run: TaskRun;
  /** `known`: a run of the same key was there. `joined`: an identical call was on its way, and both got its run. */
  how: "started" | "known" | "joined";
  /** What the caller should know besides, in our words. */
  notes: string[];
}

/** Another process may be sending the same request: it has its answer by then, or its backend is very slow. */
const OTHER_SENDER_MS = 35_000;

/** Creates that have not been answered yet, by what they ask for; per ledger, because its runs are one caller's. */
const inFlight = new WeakMap<Ledger, Map<string, Promise<PlacedRun>>>();

/**
 * Starts a run, once: it is written down before it is sent, so that whatever happens in between is known to have been
 * under way. Identical orders at the same time become one run. It does not end with the caller: a run that the backend
 * accepts is a run, whoever has left meanwhile. Throws `CostRefused`, `OutcomeUnknown`, `SentBefore`,
 * `InvalidArguments`, and what the client throws when nothing was started.
 */
export async function placeRun(
  order: RunOrder,
  backend: Backend,
  context: Budgets & Pick<ToolContext, "log">,
): Promise<PlacedRun> {
  const { prices, ledger } = backend;
  checkCost([order.input.processor], prices, { ...context, maxCostUsd: order.maxCostUsd });
  const orders = inFlight.get(ledger) ?? new Map<string, Promise<PlacedRun>>();
  inFlight.set(ledger, orders);
  const fingerprint = fingerprintRequest([order.input, order.idempotencyKey]);
  const same = orders.get(fingerprint);
  if (same !== undefined) return { ...(await same), how: "joined" };
  const placed = writeDownAndSend(order, backend, context).finally(() =>
    orders.delete(fingerprint),
  );
  orders.set(fingerprint, placed);
  return placed;
}

async function writeDownAndSend(
  order: RunOrder,
  backend: Backend,
  context: Budgets & Pick<ToolContext, "log">,
): Promise<PlacedRun> {
  const { prices } = backend;
  const { input, idempotencyKey } = order;
  const draft: StartRunRequest = {
    input,
    priceUsd: prices.priceUsd(input.processor) ?? null,
    idempotencyKey: idempotencyKey ?? null,
  };
  const reserved = await writeDown([draft], backend, context);
  const [first] = reserved.entries;
  const { notes } = reserved;
  if (first === undefined) {
    const run = await send(randomUUID(), input, backend, "none");
    const isWritten = await backend.ledger.adopt([{ request: draft, run }]);
    return { run, how: "started", notes: isWritten ? [] : notes };
  }
  const { entry, isNew } = first;
  if (isNew) return sendEntry(entry, true, input, backend, notes);
  const found = await findOrSendAgain(entry, input, backend, notes);
  // The request that held the key was not accepted: the key is free.
  return found ?? writeDownAndSend(order, backend, context);
}

/**
 * The run that was written down under the same key before; where keys are honoured it can be sent once more. Null when
 * it turns out that it was never accepted.
 */
async function findOrSendAgain(
  earlier: LedgerEntry,
  input: RunInput,
  backend: Backend,
  notes: string[],
): Promise<PlacedRun | null> {
  const { client, ledger } = backend;
  if (earlier.runId !== null) return knownRun(earlier, earlier.runId, backend, notes);
  const isHonoured = await client.honoursIdempotencyKeys().catch((error: unknown) => {
    throw stillUnknown(error);
  });
  // A backend that honours the key gives two senders the same run; elsewhere the second waits for the first.
  const [waited] = await ledger.whenSent([earlier.entryId], isHonoured ? 0 : OTHER_SENDER_MS);
  if (waited === undefined) return null;
  if (isHonoured) await settleRuns([waited], backend);
  const [entry] = await ledger.whenSent([waited.entryId], 0);
  if (entry === undefined) return null;
  if (entry.runId !== null) return knownRun(entry, entry.runId, backend, notes);
  if (!isHonoured) throw new SentBefore(entry);
  return sendEntry(entry, false, input, backend, notes);
}

/** The run as the backend has it; when that cannot be seen now, as it was last seen: its id must not be lost. */
async function knownRun(
  entry: LedgerEntry,
  runId: string,
  { client }: Backend,
  notes: string[],
): Promise<PlacedRun> {
  try {
    return { run: await client.retrieveRun(runId), how: "known", notes };
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
        : `The run could not be looked at (${error.message})`;
    return { run, how: "known", notes: [...notes, `${why}; it is shown as last seen.`] };
  }
}

async function sendEntry(
  { entryId, idempotencyKey }: LedgerEntry,
  isNew: boolean,
  input: RunInput,
  backend: Backend,
  notes: string[],
): Promise<PlacedRun> {
  const { ledger } = backend;
  try {
    const way = idempotencyKey === null ? "list" : "same_key";
    const run = await send(idempotencyKey ?? randomUUID(), input, backend, way);
    const isWritten = await ledger.accept([{ entryId, run }]);
    const note = "The run_id could not be written down yet: keep it. It is tried again.";
    return { run, how: "started", notes: isWritten ? notes : [...notes, note] };
  } catch (error) {
    if (isNew && error instanceof TaskApiError) await ledger.release([entryId]);
    else await ledger.endSending([entryId]);
    throw isNew ? error : stillUnknown(error);
  }
}

/** Of a run that was sent before, a refusal tells about this request only: the earlier one may have started it. */
function stillUnknown(error: unknown): unknown {
  return error instanceof TaskApiError ? new OutcomeUnknown(error, "same_key") : error;
}

/**
 * Sends a run. The backend gets a key in any case: one that honours it can be asked again when its answer is lost. Throws
 * `OutcomeUnknown`, and what the client throws when nothing was started.
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
 * Writes runs down before they are sent. A ledger that cannot be written to is no reason to refuse a run, unless its
 * memory is what the caller or the operator relies on. Throws `CostRefused`, `InvalidArguments`, `BackendUnavailable`.
 */
export async function writeDown(
  drafts: readonly StartRunRequest[],
  { ledger }: Backend,
  { budgetUsdPerDay, ownBudgetUsdPerDay, log }: Budgets & Pick<ToolContext, "log">,
): Promise<{ entries: { entry: LedgerEntry; isNew: boolean }[]; notes: string[] }> {
  let reservation: Reservation;
  try {
    reservation = await ledger.reserve(drafts, { budgetUsdPerDay, ownBudgetUsdPerDay });
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error;
    log().error({ err: error }, "runs cannot be written down");
    const reliesOnIt =
      budgetUsdPerDay !== undefined || drafts.some(({ idempotencyKey }) => idempotencyKey !== null);
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

/** That a key belongs to another request; `owner` is what became of that. */
export function keyConflict(owner: string | null): InvalidArguments {
  const fix = `the key belongs to another request${owner === null ? "" : ` (${owner})`}; use the same arguments as then, or a new key`;
  return new InvalidArguments([{ argument: "idempotency_key", fix }]);
}

/** What a key stands for already; null when it is free. Throws `InvalidArguments` when it belongs to another request. */
export async function findKeyed(
  { input, idempotencyKey }: Pick<RunOrder, "input" | "idempotencyKey">,
  { ledger }: Backend,
): Promise<LedgerEntry | null> {
  if (idempotencyKey === undefined) return null;
  const entry = await ledger.findByKey(idempotencyKey);
  if (entry === null || entry.fingerprint === fingerprintRequest(input)) return entry;
  throw keyConflict(entry.runId === null ? null : `run ${entry.runId}`);
}
