import { randomUUID } from "node:crypto";
import { RequestRejected, TaskApiError } from "../client/errors.ts";
import { fingerprintRequest } from "../ledger/fingerprint-request.ts";
import type { LedgerEntry, RunDraft } from "../ledger/ledger.ts";
import type { RunInput } from "../task-api/run-input.ts";
import { TaskGroupLimits, type TaskGroupMetadata } from "../task-api/task-group.ts";
import type { TaskSpec } from "../task-api/task-spec.ts";
import { InvalidArguments } from "./argument-problems.ts";
import type { Backend } from "./backend.ts";
import { type Budgets, checkCost } from "./order-cost.ts";
import { writeDown } from "./place-run.ts";
import type { Batch } from "./run-report.ts";
import type { ToolContext } from "./tool.ts";

/** Runs somebody wants in one group. */
export interface GroupOrder {
  /** Undefined: a new group. */
  taskgroupId: string | undefined;
  inputs: readonly RunInput[];
  /** One for each input: the same key means the same run. */
  keys: readonly (string | null)[];
  /** For inputs that have no spec of their own. */
  defaultTaskSpec: TaskSpec | undefined;
  /** Of a new group. */
  metadata: TaskGroupMetadata | undefined;
  /** The same key means the same group. */
  idempotencyKey: string | undefined;
  maxCostUsd: number | undefined;
}

export interface PlacedGroup {
  taskgroupId: string;
  batches: Batch[];
  /** How many runs the backend took in this call. */
  added: number;
  /** What ended the sending before all was sent. */
  trouble: TaskApiError | null;
  notes: string[];
}

/** An input with what the ledger wrote down for it; null when it could not. */
interface Line {
  input: RunInput;
  entry: LedgerEntry | null;
  isNew: boolean;
}

/**
 * Starts many runs: all are written down, then sent a thousand at a time. What fails is told batch by batch; nothing is
 * sent twice, whoever calls again with the same keys. It does not end with the caller. Throws `CostRefused`,
 * `InvalidArguments`, and what the client throws when there is no group.
 */
export async function placeGroup(
  order: GroupOrder,
  backend: Backend,
  context: Budgets & Pick<ToolContext, "log">,
): Promise<PlacedGroup> {
  const { prices } = backend;
  const processors = order.inputs.map(({ processor }) => processor);
  checkCost(processors, prices, { ...context, maxCostUsd: order.maxCostUsd });
  const taskgroupId = await openGroup(order, backend);
  const drafts = order.inputs.map((input, index): RunDraft => ({
    // As it will be performed: the same question with another spec is another request.
    input: { task_spec: order.defaultTaskSpec, ...input },
    processor: input.processor,
    priceUsd: prices.priceUsd(input.processor) ?? null,
    taskgroupId,
    idempotencyKey: order.keys[index] ?? null,
  }));
  const { entries, notes } = await writeDown(drafts, backend, context);
  const lines = order.inputs.map((input, index): Line => {
    const written = entries[index];
    return written === undefined
      ? { input, entry: null, isNew: true }
      : { input, entry: written.entry, isNew: written.isNew };
  });
  return { ...(await sendLines(lines, taskgroupId, order, backend)), taskgroupId, notes };
}

/** The group to add to: the one that was named, the one the key stands for, or a new one. */
async function openGroup(order: GroupOrder, { client, ledger }: Backend): Promise<string> {
  const { idempotencyKey, inputs, defaultTaskSpec, metadata } = order;
  if (idempotencyKey === undefined) {
    if (order.taskgroupId !== undefined) return order.taskgroupId;
    const { taskgroup_id } = await client.createGroup(
      { ...(metadata && { metadata }) },
      { idempotencyKey: randomUUID() },
    );
    return taskgroup_id;
  }
  const fingerprint = fingerprintRequest([order.taskgroupId, inputs, defaultTaskSpec, metadata]);
  const earlier = await ledger.findGroupRequest(idempotencyKey);
  if (earlier !== null) return sameGroup(earlier, fingerprint);
  const taskgroupId =
    order.taskgroupId ??
    (await client.createGroup({ ...(metadata && { metadata }) }, { idempotencyKey })).taskgroup_id;
  const size = inputs.length;
  const { request } = await ledger.rememberGroup({
    taskgroupId,
    idempotencyKey,
    fingerprint,
    size,
  });
  // Another process may have been first: then its group is the group, and ours stays empty, which costs nothing.
  return sameGroup(request, fingerprint);
}

function sameGroup(
  request: { taskgroupId: string; fingerprint: string },
  fingerprint: string,
): string {
  if (request.fingerprint === fingerprint) return request.taskgroupId;
  throw new InvalidArguments([
    {
      argument: "idempotency_key",
      fix: `the key belongs to another request (group ${request.taskgroupId}); use the same arguments as then, or a new key`,
    },
  ]);
}

async function sendLines(
  lines: readonly Line[],
  taskgroupId: string,
  { defaultTaskSpec }: GroupOrder,
  { client, ledger }: Backend,
): Promise<Pick<PlacedGroup, "batches" | "added" | "trouble">> {
  const batches: Batch[] = [];
  let added = 0;
  let trouble: TaskApiError | null = null;
  for (let start = 0; start < lines.length; start += TaskGroupLimits.inputsPerRequest) {
    const slice = lines.slice(start, start + TaskGroupLimits.inputsPerRequest);
    const range = { from: start + 1, to: start + slice.length };
    const fresh = slice.filter(({ isNew }) => isNew);
    const entryIds = fresh.flatMap(({ entry }) => (entry === null ? [] : [entry.entryId]));
    if (fresh.length === 0) {
      batches.push({ ...range, ...earlierOutcome(slice) });
    } else if (trouble !== null && !(trouble instanceof RequestRejected)) {
      // It would meet the next batch too.
      await ledger.release(entryIds);
      batches.push({ ...range, outcome: "not_sent" });
    } else {
      try {
        const body = {
          inputs: fresh.map(({ input }) => input),
          ...(defaultTaskSpec && { default_task_spec: defaultTaskSpec }),
        };
        const { run_ids } = await client.addRuns(taskgroupId, body, {
          idempotencyKey: randomUUID(),
        });
        await ledger.accept(
          run_ids.flatMap((run_id, index) => {
            const entryId = entryIds[index];
            return entryId === undefined ? [] : [{ entryId, run: { run_id } }];
          }),
        );
        added += run_ids.length;
        batches.push({ ...range, outcome: "added" });
      } catch (error) {
        if (!(error instanceof TaskApiError)) throw error;
        trouble = error;
        if (error.surelyNotAccepted) await ledger.release(entryIds);
        batches.push({
          ...range,
          outcome: error.surelyNotAccepted ? "refused" : "unknown",
          reason: error.message,
        });
      }
    }
  }
  return { batches, added, trouble };
}

function earlierOutcome(slice: readonly Line[]): Pick<Batch, "outcome" | "reason"> {
  const unknown = slice.filter(({ entry }) => entry?.runId === null).length;
  if (unknown === 0) return { outcome: "added_before" };
  return {
    outcome: "unknown",
    reason: `${unknown} of them were sent before, and it is not known whether they were accepted`,
  };
}
