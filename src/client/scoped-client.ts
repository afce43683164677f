import { createHash } from "node:crypto";
import { LruCache } from "../runtime/lru-cache.ts";
import type { StateEvent } from "../task-api/run-event.ts";
import type { RunInput } from "../task-api/run-input.ts";
import { GroupNotFound, InvalidRequest, RunNotFound } from "./errors.ts";
import type { CreateOptions, TaskApiClient } from "./task-api-client.ts";

/** The durable record of what the principal started: its record. */
export interface OwnershipRecord {
  /** The entry of a run of this principal. */
  find(runId: string): Promise<object | null>;
  findByInteraction(interactionId: string): Promise<object | null>;
  /** Which of these runs this principal started. */
  findOwn(runIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Which of these runs any principal of the account started. */
  findClaimed(runIds: readonly string[]): Promise<ReadonlySet<string>>;
  findGroupRequest(idempotencyKey: string): Promise<{ fingerprint: string } | null>;
  rememberGroup(request: {
    taskgroupId: string;
    idempotencyKey: string;
    fingerprint: string;
    size: number;
  }): Promise<unknown>;
}

/**
 * The number of ids whose owner is cached, because a waiting agent requests its run again and again. A principal may
 * have some 2,000 calls open over HTTP.
 */
const REMEMBERED_IDS = 2_500;

/**
 * Stored instead of a request's fingerprint for a group that the principal created. Requests that only name a group are
 * stored too, but prove nothing: callers choose the names.
 */
const CREATED_HERE = "created by this principal";

/**
 * A client that sees only the runs and groups of one principal. Principals may share an account of the backend, which
 * would let each of them read and cancel the runs of the others. So an id counts only if the principal's own record has
 * it, and idempotency keys, memory and earlier interactions are separated too. The ids of others are answered like
 * unknown ids.
 */
export function scopeToPrincipal(
  client: TaskApiClient,
  record: OwnershipRecord,
  principal: string,
): TaskApiClient {
  const runs = rememberIds(async (runId) => (await record.find(runId)) !== null);
  const groups = rememberIds(async (groupId) => {
    const request = await record.findGroupRequest(creationOf(groupId));
    return request?.fingerprint === CREATED_HERE;
  });

  /** Runs that are in no principal's record: one of them may have come from a create whose answer was lost. */
  const unclaimed = new Set<string>();

  async function requireRun(runId: string): Promise<void> {
    if ((await runs.has(runId)) || (await isInOwnGroup(runId))) return;
    throw new RunNotFound(runId);
  }

  /**
   * Whether the run is in one of the principal's own groups. Its id may be missing from the record because the answer
   * to the request that added it was lost.
   */
  async function isInOwnGroup(runId: string): Promise<boolean> {
    const { taskgroup_id: taskgroupId } = await client.retrieveRun(runId);
    const isOwn = typeof taskgroupId === "string" && (await groups.has(taskgroupId));
    if (isOwn) runs.add(runId);
    return isOwn;
  }

  /** All runs of a group belong to the owner of the group, because only the owner can add runs. */
  async function* ownRows<Event extends { type: string }>(
    events: AsyncIterable<Event | StateEvent>,
  ): AsyncGenerator<Event | StateEvent, void> {
    for await (const event of events) {
      if ("run" in event) runs.add(event.run.run_id);
      yield event;
    }
  }

  async function requireGroup(taskgroupId: string): Promise<void> {
    if (!(await groups.has(taskgroupId))) throw new GroupNotFound(taskgroupId);
  }

  /** The same key of two principals is not the same key. */
  function own(name: string): string {
    return createHash("sha256")
      .update(JSON.stringify([principal, name]))
      .digest("hex");
  }

  function ownOptions({ idempotencyKey, ...options }: CreateOptions = {}): CreateOptions {
    return idempotencyKey === undefined
      ? options
      : { ...options, idempotencyKey: own(idempotencyKey) };
  }

  async function ownInput<Input extends Partial<RunInput>>(input: Input): Promise<Input> {
    const { previous_interaction_id: previous, memory_scope_key: memory } = input;
    if (typeof previous === "string" && (await record.findByInteraction(previous)) === null) {
      throw new InvalidRequest("The request was not sent: it follows up on no run of yours.", {
        problems: [
          {
            type: "value_error",
            loc: ["body", "previous_interaction_id"],
            msg: "use the interaction_id of a run that you started",
          },
        ],
      });
    }
    return typeof memory === "string" ? { ...input, memory_scope_key: own(memory) } : input;
  }

  return {
    async createRun(input, options) {
      const run = await client.createRun(await ownInput(input), ownOptions(options));
      // Even when the ledger cannot be written to.
      runs.add(run.run_id);
      return run;
    },
    async retrieveRun(runId, options) {
      await requireRun(runId);
      return client.retrieveRun(runId, options);
    },
    async retrieveResult(runId, options) {
      await requireRun(runId);
      return client.retrieveResult(runId, options);
    },
    async retrieveInput(runId, options) {
      if (!unclaimed.has(runId)) await requireRun(runId);
      return client.retrieveInput(runId, options);
    },
    streamEvents(runId, options) {
      // A stream within a stream takes 2 KB for as long as it is open, and most runs are known when they are followed.
      if (runs.isKnown(runId)) return client.streamEvents(runId, options);
      return afterLookUp();
      async function* afterLookUp() {
        await requireRun(runId);
        yield* client.streamEvents(runId, options);
      }
    },
    async cancelRun(runId, options) {
      await requireRun(runId);
      return client.cancelRun(runId, options);
    },
    async readEvidence(runId, query, options) {
      await requireRun(runId);
      return client.readEvidence(runId, query, options);
    },
    async readAnswerForm(runId, options) {
      await requireRun(runId);
      return client.readAnswerForm(runId, options);
    },
    async submitAnswer(runId, submission, options) {
      await requireRun(runId);
      return client.submitAnswer(runId, submission, options);
    },
    /**
     * Lists the principal's runs of the account, and those of no principal: one of these may have come from a create
     * whose answer was lost, and its input shows whose it is.
     */
    async listRuns(query, options) {
      const page = await client.listRuns(query, options);
      const ids = page.runs.map(({ run_id }) => run_id);
      const claimed = await record.findClaimed(ids);
      const started = await record.findOwn(ids);
      if (query.cursor === undefined) unclaimed.clear();
      for (const id of ids) if (!claimed.has(id)) unclaimed.add(id);
      return {
        ...page,
        runs: page.runs.filter(({ run_id }) => started.has(run_id) || !claimed.has(run_id)),
      };
    },
    listProcessors: (options) => client.listProcessors(options),

    async createGroup(body, options) {
      const group = await client.createGroup(body, ownOptions(options));
      groups.add(group.taskgroup_id);
      await record.rememberGroup({
        taskgroupId: group.taskgroup_id,
        idempotencyKey: creationOf(group.taskgroup_id),
        fingerprint: CREATED_HERE,
        size: 0,
      });
      return group;
    },
    async retrieveGroup(taskgroupId, options) {
      await requireGroup(taskgroupId);
      return client.retrieveGroup(taskgroupId, options);
    },
    async addRuns(taskgroupId, body, options) {
      await requireGroup(taskgroupId);
      const inputs = await Promise.all(body.inputs.map(ownInput));
      return client.addRuns(taskgroupId, { ...body, inputs }, ownOptions(options));
    },
    async cancelGroup(taskgroupId, options) {
      await requireGroup(taskgroupId);
      return client.cancelGroup(taskgroupId, options);
    },
    async *streamGroupRuns(taskgroupId, query, options) {
      await requireGroup(taskgroupId);
      yield* ownRows(client.streamGroupRuns(taskgroupId, query, options));
    },
    async *streamGroupEvents(taskgroupId, query, options) {
      await requireGroup(taskgroupId);
      yield* ownRows(client.streamGroupEvents(taskgroupId, query, options));
    },

    async checkRuns(body, options) {
      if (!("inputs" in body)) return client.checkRuns(await ownInput(body), options);
      const inputs = await Promise.all(body.inputs.map(ownInput));
      return client.checkRuns({ ...body, inputs }, options);
    },
    honoursIdempotencyKeys: (options) => client.honoursIdempotencyKeys(options),
  };
}

/** The key under which the creation of a group is noted. */
function creationOf(taskgroupId: string): string {
  return `creation of ${taskgroupId}`;
}

/** Ids that are known to be the principal's own; an id never changes its owner. */
function rememberIds(lookUp: (id: string) => Promise<boolean>) {
  const known = new LruCache<string, true>(REMEMBERED_IDS);
  const add = (id: string) => void known.set(id, true);
  return {
    add,
    isKnown: (id: string) => known.has(id),
    async has(id: string): Promise<boolean> {
      if (known.get(id) === true) return true;
      const isOwn = await lookUp(id);
      if (isOwn) add(id);
      return isOwn;
    },
  };
}
