import { randomUUID } from "node:crypto";
import { RequestRejected, TaskApiError } from "../../client/errors.ts";
import { fingerprintRequest } from "../../ledger/fingerprint-request.ts";
import { type LedgerEntry, type StartRunRequest, UNKNOWN } from "../../ledger/ledger.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import { TaskGroupLimits } from "../../task-api/task-group.ts";
import type { Backend } from "./backend.ts";
import { type Budgets, checkCost } from "./budget.ts";
import { type KeyedOrder, fingerprintOf, findKeyedGroup, sameGroup } from "./keyed-group.ts";
import { writeDown } from "./start-run.ts";
import type { Batch } from "../report/run-report.ts";
import { settleGroup } from "./resolve-unknown.ts";
import type { ToolContext } from "../tool.ts";

/** Runs somebody wants in one group. */
export interface GroupOrder extends KeyedOrder {
  /** One of both for each input: the same key means the same run; and the run of the group that it runs again. */
  keys: readonly (string | null)[];
  retryOf: readonly (string | null)[];
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

/** A run that is wanted, with what the ledger wrote down for it; null when it could not. */
interface Line {
  input: RunInput;
  draft: StartRunRequest;
  entry: LedgerEntry | null;
  isNew: boolean;
}

/** How a batch fared, and the lines that were sent in it. */
interface SentBatch extends Batch {
  lines: readonly Line[];
  sent: readonly Line[];
}

type PlacingContext = Budgets & Pick<ToolContext, "log" | "clock">;

/** More than any group has. */
const ALL = 1_000_000;
/** Another process may be sending the same list: a batch of a thousand has its answer by then, or the backend is very slow. */
const OTHER_SENDER_MS = 35_000;

/**
 * Starts many runs: all are written down, then sent a thousand at a time. What fails is told batch by batch; nothing is
 * sent twice, whoever calls again with the same keys. It does not end with the caller. Throws `CostRefused`,
 * `InvalidArguments`, and what the client throws when there is no group: then nothing was started.
 */
export async function placeGroup(
  order: GroupOrder,
  backend: Backend,
  context: PlacingContext,
): Promise<PlacedGroup> {
  const processors = order.inputs.map(({ processor }) => processor);
  checkCost(processors, backend.prices, { ...context, maxCostUsd: order.maxCostUsd });
  const taskgroupId = await openGroup(order, backend);
  if (order.keys.some((key) => key !== null)) await settleEarlier(taskgroupId, backend, context);
  const drafts = order.inputs.map((input, index): StartRunRequest => ({
    // As it will be performed: the same question with another spec is another request.
    input: { task_spec: order.defaultTaskSpec, ...input },
    priceUsd: backend.prices.priceUsd(input.processor) ?? null,
    taskgroupId,
    idempotencyKey: order.keys[index] ?? null,
    retryOf: order.retryOf[index] ?? null,
  }));
  const { entries, notes } = await writeDown(drafts, backend, context);
  const lines = order.inputs.flatMap((input, index): Line[] => {
    const draft = drafts[index];
    if (draft === undefined) return [];
    const { entry, isNew } = entries[index] ?? { entry: null, isNew: true };
    return [{ input, draft, entry, isNew }];
  });
  const { batches, trouble, isWritten } = await sendLines(lines, taskgroupId, order, backend);
  await learnOutcomes(batches, taskgroupId, backend, context);
  return {
    taskgroupId,
    batches: batches.map(({ lines: _lines, sent: _sent, ...batch }) => batch),
    added: batches.reduce(
      (sum, { outcome, sent }) => sum + (outcome === "added" ? sent.length : 0),
      0,
    ),
    trouble,
    notes: isWritten
      ? []
      : [...notes, "The run ids could not be written down yet: keep the taskgroup_id."],
  };
}

/** The group to add to: the one that was named, the one the key stands for, or a new one, which costs nothing. */
async function openGroup(order: GroupOrder, { client, ledger }: Backend): Promise<string> {
  const { idempotencyKey, inputs, metadata } = order;
  const createGroup = async (key: string) => {
    const body = { ...(metadata && { metadata }) };
    return (await client.createGroup(body, { idempotencyKey: key })).taskgroup_id;
  };
  if (idempotencyKey === undefined) return order.taskgroupId ?? createGroup(randomUUID());
  const earlier = await findKeyedGroup(order, { ledger });
  if (earlier !== null) return earlier;
  const fingerprint = fingerprintOf(order);
  const taskgroupId =
    // Not the caller's key itself, which may stand for a run as well.
    order.taskgroupId ?? (await createGroup(fingerprintRequest(["group", idempotencyKey])));
  const { request } = await ledger.rememberGroup({
    taskgroupId,
    idempotencyKey,
    fingerprint,
    size: inputs.length,
  });
  // Another process may have been first: then its group is the group, and ours stays empty, which costs nothing.
  return sameGroup(request, fingerprint);
}

/** Runs of the group whose answer was lost earlier get their ids, or are free to be sent again. */
async function settleEarlier(
  taskgroupId: string,
  backend: Backend,
  { clock, log }: PlacingContext,
): Promise<void> {
  const { ledger } = backend;
  const { entries } = await ledger.list({ taskgroupId, status: [UNKNOWN], limit: ALL });
  if (entries.length === 0) return;
  await ledger.whenSent(
    entries.map(({ entryId }) => entryId),
    OTHER_SENDER_MS,
  );
  try {
    await settleGroup(taskgroupId, backend, { clock, released: "now" });
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
  { defaultTaskSpec }: GroupOrder,
  { client, ledger }: Backend,
): Promise<{ batches: SentBatch[]; trouble: TaskApiError | null; isWritten: boolean }> {
  const batches: SentBatch[] = [];
  let trouble: TaskApiError | null = null;
  let isWritten = true;
  for (let start = 0; start < lines.length; start += TaskGroupLimits.inputsPerRequest) {
    const slice = lines.slice(start, start + TaskGroupLimits.inputsPerRequest);
    const fresh = slice.filter(({ isNew }) => isNew);
    const batch = { from: start + 1, to: start + slice.length, lines: slice, sent: fresh };
    const entryIds = idsOf(fresh);
    if (fresh.length === 0) {
      batches.push({ ...batch, outcome: "added_before" });
      continue;
    }
    if (trouble !== null && !(trouble instanceof RequestRejected)) {
      // It would meet the next batch too.
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
      isWritten = (await writeIds(fresh, run_ids)) && isWritten;
      const unread = run_ids.filter((id) => id === "").length;
      if (unread > 0) await ledger.endSending(entryIds);
      const reason = `The backend named ${unread} of the runs in a way that cannot be read`;
      batches.push(
        unread === 0 ? { ...batch, outcome: "added" } : { ...batch, outcome: "unknown", reason },
      );
    } catch (error) {
      if (!(error instanceof TaskApiError)) throw error;
      trouble = error;
      const { message: reason, notProcessed } = error;
      if (notProcessed) await ledger.release(entryIds);
      else await ledger.endSending(entryIds);
      batches.push({ ...batch, outcome: notProcessed ? "refused" : "unknown", reason });
    }
  }
  return { batches, trouble, isWritten };

  /**
   * Where keys are honoured, the same runs sent again are the same request, also after a crash. Its answer may name runs
   * that a batch with the same questions was given meanwhile (`taken`): then as many are still missing.
   */
  async function addRuns(wanted: readonly Line[], taken: readonly string[]): Promise<string[]> {
    const body = {
      inputs: wanted.map(({ input }) => input),
      ...(defaultTaskSpec && { default_task_spec: defaultTaskSpec }),
    };
    const keys = wanted.map(({ draft }) => draft.idempotencyKey);
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

  function writeIds(fresh: readonly Line[], runIds: readonly string[]): Promise<boolean> {
    const started = fresh.flatMap(({ entry, draft }, index) => {
      const run_id = runIds[index];
      // An id that could not be read: its entry stays unknown, and the others keep their places.
      return run_id === undefined || run_id === ""
        ? []
        : [{ entry, request: draft, run: { run_id } }];
    });
    const accepted = started.flatMap(({ entry, run }) =>
      entry === null ? [] : [{ entryId: entry.entryId, run }],
    );
    return accepted.length > 0 ? ledger.accept(accepted) : ledger.adopt(started);
  }
}

/**
 * Batches whose outcome is open get the one that can be learned: from the process that is sending them, or from the
 * group itself. What cannot be learned now stays unknown; the runs exist or not, whatever fails here.
 */
async function learnOutcomes(
  batches: readonly SentBatch[],
  taskgroupId: string,
  backend: Backend,
  { clock, log }: PlacingContext,
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
      await settleGroup(taskgroupId, backend, { clock, released: "never" });
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
