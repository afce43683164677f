import type { Clock } from "../../runtime/clock.ts";
import { TaskApiError } from "../../client/errors.ts";
import { type LedgerEntry, UNKNOWN } from "../../ledger/ledger.ts";
import { fingerprintRequest } from "../../ledger/fingerprint-request.ts";
import { keptQuestion } from "../../ledger/reserve.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import type { TaskRun } from "../../task-api/run.ts";
import { isJsonObject } from "../../task-api/task-spec.ts";
import { tryParseJson } from "../../text/json.ts";
import type { Backend } from "./backend.ts";
import type { OpenCall } from "./call-context.ts";

/** A backend has read a request that reached it within this time: a run that is missing twice this far apart does not exist. */
const SECOND_READ_MS = 500;
/** After this time no request can be under way any more, so an entry without a run is removed. */
const REMOVED_AFTER_MS = 600_000;
/** The clocks of the backend and of this machine differ, and a create may be held up on its way. */
const RUN_WINDOW_MS = { before: 60_000, after: 300_000 } as const;
const LIST_PAGE = 100;
/** Ten thousand runs: with more since then, the entries stay unknown. */
const LIST_PAGES = 100;
const ALL = 1_000_000;

/**
 * Resolves the runs of a group whose create answer was lost. Runs that the group contains get their ids. The others
 * were never accepted; `released` says when their entries are removed: `now`, because they are about to be sent again,
 * or when no request can be under way any more. Throws the client's errors.
 */
export async function resolveGroup(
  taskgroupId: string,
  { client, ledger }: Backend,
  { clock, released }: { clock: Clock; released: "now" | "when_old" | "never" },
): Promise<void> {
  const { entries } = await ledger.list({ taskgroupId, limit: ALL });
  const open = entries.filter(({ runId }) => runId === null).toReversed();
  // Runs of a request under way would be taken for those of a lost one.
  if (open.length === 0 || open.some(({ isBeingSent }) => isBeingSent)) return;
  const known = new Set(entries.flatMap(({ runId }) => runId ?? []));
  const countRuns = async () => (await client.retrieveGroup(taskgroupId)).status.num_task_runs;
  let total = await countRuns();
  if (total <= known.size && released !== "never") {
    await clock.sleep(SECOND_READ_MS, undefined);
    total = await countRuns();
  }
  const found = new Map<string, { run: TaskRun; question: string | null }>();
  if (total > known.size) {
    for await (const event of client.streamGroupRuns(taskgroupId, { includeInput: true })) {
      if (event.type !== "task_run.state") continue;
      const input = event.input?.["input"];
      found.set(event.run.run_id, {
        run: event.run,
        question: input === undefined ? null : keptQuestion(input),
      });
    }
    // A list that breaks off proves nothing.
    if (found.size < total) return;
  }
  const unclaimed = [...found.values()].filter(({ run }) => !known.has(run.run_id));
  const isNamed = unclaimed.every(({ question }) => question !== null);
  // Without inputs, runs can only be matched by their order, and only when all of them are there.
  if (!isNamed && unclaimed.length !== open.length) return;
  const lost: number[] = [];
  const accepted: { entryId: number; run: TaskRun }[] = [];
  for (const { entryId, question } of open) {
    const index = isNamed
      ? unclaimed.findIndex((one) => isSameQuestion(one.question, question))
      : 0;
    const [match] = index === -1 ? [] : unclaimed.splice(index, 1);
    if (match !== undefined) accepted.push({ entryId, run: match.run });
    // A question that was cut in the ledger cannot be compared for certain, so it may be one of the rest.
    else if (unclaimed.length === 0 || !isCutObject(question)) lost.push(entryId);
  }
  if (accepted.length > 0) await ledger.accept(accepted);
  if (lost.length === 0 || released === "never") return;
  await ledger.release(lost, released === "now" ? undefined : { minAgeMs: REMOVED_AFTER_MS });
}

/** A backend may keep the keys of an object in another order. */
function isSameQuestion(found: string | null, written: string): boolean {
  if (found === written) return true;
  const [one, other] = [found ?? "", written].map(tryParseJson);
  return isJsonObject(one) && fingerprintRequest(one) === fingerprintRequest(other);
}

function isCutObject(question: string): boolean {
  return question.startsWith("{") && tryParseJson(question) === undefined;
}

/**
 * Resolves runs outside of groups, where the backend lists its runs; elsewhere they stay unknown. When the backend does
 * not answer, they are resolved another time.
 */
export async function resolveRuns(
  entries: readonly LedgerEntry[],
  { client, ledger }: Pick<Backend, "client" | "ledger">,
): Promise<void> {
  const open = entries
    .filter(
      ({ status, taskgroupId, isBeingSent }) =>
        status === UNKNOWN && taskgroupId === null && !isBeingSent,
    )
    .toSorted((a, b) => a.entryId - b.entryId);
  const [oldest] = open;
  if (oldest === undefined) return;
  try {
    if (!(await client.honoursIdempotencyKeys())) return;
    const runs = await runsSince(Date.parse(oldest.createdAt) - RUN_WINDOW_MS.before);
    if (runs === null) return;
    const candidates = await candidatesAmong(runs);
    const lost = [];
    for (const entry of open) {
      const index = candidates.findIndex((candidate) => isOf(entry, candidate));
      const [match] = index === -1 ? [] : candidates.splice(index, 1);
      if (match === undefined) lost.push(entry);
      else await ledger.accept([{ entryId: entry.entryId, run: match.run }]);
    }
    await ledger.release(
      lost.map(({ entryId }) => entryId),
      { minAgeMs: REMOVED_AFTER_MS },
    );
  } catch (error) {
    if (!(error instanceof TaskApiError)) throw error;
  }

  /** Runs outside of groups created since then, oldest first; null when there are too many. */
  async function runsSince(sinceMs: number): Promise<TaskRun[] | null> {
    const runs: TaskRun[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < LIST_PAGES; page += 1) {
      const answer = await client.listRuns({ limit: LIST_PAGE, ...(cursor && { cursor }) });
      for (const run of answer.runs) {
        if (createdMs(run) < sinceMs) return runs.toReversed();
        if (!run.taskgroup_id) runs.push(run);
      }
      if (answer.next_cursor === null) return runs.toReversed();
      cursor = answer.next_cursor;
    }
    return null;
  }

  /** The runs without an entry that may belong to one of the open entries, with their inputs. */
  async function candidatesAmong(runs: readonly TaskRun[]): Promise<Candidate[]> {
    const found: Candidate[] = [];
    for (const run of runs) {
      const isWanted = open.some(
        (entry) => entry.processor === run.processor && isInTime(entry, run),
      );
      if (!isWanted || (await ledger.find(run.run_id)) !== null) continue;
      found.push({ run, input: await client.retrieveInput(run.run_id) });
    }
    return found;
  }
}

/** A run without an entry, and its input. */
interface Candidate {
  run: TaskRun;
  input: RunInput;
}

/** The same question may have been asked with another spec, so the whole request is compared, unless the backend hides part of it. */
function isOf(entry: LedgerEntry, { run, input }: Candidate): boolean {
  if (!isInTime(entry, run) || run.processor !== entry.processor) return false;
  if (fingerprintRequest(input) === entry.fingerprint) return true;
  const isShownWhole = !input.mcp_servers && !input.memory_scope_key;
  return !isShownWhole && keptQuestion(input.input) === entry.question;
}

function isInTime({ createdAt }: LedgerEntry, run: TaskRun): boolean {
  const sentMs = Date.parse(createdAt);
  const at = createdMs(run);
  return at >= sentMs - RUN_WINDOW_MS.before && at <= sentMs + RUN_WINDOW_MS.after;
}

function createdMs({ created_at: createdAt }: TaskRun): number {
  return Date.parse(createdAt ?? "");
}

/** Resolves entries that are about to be shown and not about to be sent again, in groups and outside of them. */
export async function resolveEntries(
  entries: readonly LedgerEntry[],
  { backend, clock }: Pick<OpenCall, "backend" | "clock">,
): Promise<void> {
  const open = entries.filter(({ status, isBeingSent }) => status === UNKNOWN && !isBeingSent);
  if (open.length === 0) return;
  await resolveRuns(open, backend);
  for (const taskgroupId of new Set(open.flatMap((entry) => entry.taskgroupId ?? []))) {
    try {
      await resolveGroup(taskgroupId, backend, { clock, released: "when_old" });
    } catch (error) {
      // They are resolved the next time they are shown.
      if (!(error instanceof TaskApiError)) throw error;
    }
  }
}
