import { randomUUID } from "node:crypto";
import { TaskApiError } from "../client/errors.ts";
import { LedgerUnavailable } from "../ledger/errors.ts";
import { fingerprintRequest } from "../ledger/fingerprint-request.ts";
import type { Ledger, LedgerEntry, Reservation, RunDraft } from "../ledger/ledger.ts";
import type { RunInput } from "../task-api/run-input.ts";
import type { TaskRun } from "../task-api/run.ts";
import { InvalidArguments } from "./argument-problems.ts";
import { type Backend, BackendUnavailable } from "./backend.ts";
import { type Budgets, checkCost } from "./order-cost.ts";
import { CostRefused, SentBefore } from "./refusals.ts";
import type { ToolContext } from "./tool.ts";

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

/** Creates that have not been answered yet, by what they ask for; per ledger, because its runs are one caller's. */
const inFlight = new WeakMap<Ledger, Map<string, Promise<PlacedRun>>>();

/**
 * Starts a run, once: it is written down before it is sent, so that whatever happens in between is known to have been
 * under way. Identical orders at the same time become one run. It does not end with the caller: a run that the backend
 * accepts is a run, whoever has left meanwhile. Throws `CostRefused`, `SentBefore`, `InvalidArguments` and what the
 * client throws.
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
  { input, idempotencyKey }: RunOrder,
  backend: Backend,
  context: Budgets & Pick<ToolContext, "log">,
): Promise<PlacedRun> {
  const { client, prices } = backend;
  const draft: RunDraft = {
    input,
    processor: input.processor,
    priceUsd: prices.priceUsd(input.processor) ?? null,
    taskgroupId: null,
    idempotencyKey: idempotencyKey ?? null,
  };
  const reserved = await writeDown([draft], backend, context);
  const [first] = reserved.entries;
  if (first === undefined) {
    const run = await client.createRun(input, { idempotencyKey: randomUUID() });
    return { run, how: "started", notes: reserved.notes };
  }
  const { entry, isNew } = first;
  const { notes } = reserved;
  if (entry.runId !== null) {
    return { run: await client.retrieveRun(entry.runId), how: "known", notes };
  }
  if (!isNew && !(await client.honoursIdempotencyKeys())) throw new SentBefore(entry);
  return { run: await send(entry, input, backend, isNew), how: "started", notes };
}

/**
 * Sends a run that is written down. The backend gets a key in any case: one that honours it can be asked again when its
 * answer is lost.
 */
async function send(
  entry: LedgerEntry,
  input: RunInput,
  { client, ledger }: Backend,
  isNew: boolean,
): Promise<TaskRun> {
  try {
    const idempotencyKey = entry.idempotencyKey ?? randomUUID();
    const run = await client.createRun(input, { idempotencyKey });
    await ledger.accept([{ entryId: entry.entryId, run }]);
    return run;
  } catch (error) {
    // Of one that was sent before, only that request is known to have been refused.
    if (isNew && error instanceof TaskApiError && error.surelyNotAccepted) {
      await ledger.release([entry.entryId]);
    }
    throw error;
  }
}

/**
 * Writes runs down before they are sent. A ledger that cannot be written to is no reason to refuse a run, unless its
 * memory is what the caller or the operator relies on. Throws `CostRefused`, `InvalidArguments`, `BackendUnavailable`.
 */
export async function writeDown(
  drafts: readonly RunDraft[],
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
      throw new InvalidArguments([
        {
          argument: "idempotency_key",
          fix: `the key belongs to another request${reservation.entry?.runId ? ` (run ${reservation.entry.runId})` : ""}; use the same arguments as then, or a new key`,
        },
      ]);
  }
}
