import { randomBytes } from "node:crypto";
import type { Database } from "../../../database/open-database.ts";
import { RunStatus, isActiveStatus } from "../../../task-api/run.ts";
import type { TaskGroupStatus } from "../../../task-api/task-group.ts";
import { JsonObject } from "../../../task-api/task-spec.ts";
import type {
  AddedRuns,
  EventRange,
  GroupMember,
  GroupRecord,
  GroupStore,
  GroupTransition,
} from "../group-store.ts";
import type { RunRecord } from "../run-record.ts";
import { insertRuns } from "./accept-runs.ts";
import { keepAnswer } from "./answers.ts";
import type { Commit, Write } from "./commit.ts";
import { STATE_TYPE, readLastEventId, readStateBody, writeStateBody } from "./event-log.ts";
import { moveGroup } from "./transitions.ts";

/** The groups of a SQLite database. A position is the id of a run event, for ids rise in the order of the commits. */
export function createGroupStore(db: Database, commit: Commit): GroupStore {
  return {
    create: ({ tenantId, metadata }, keep) =>
      commit(async (write) => {
        const taskgroupId = `tgrp_${randomBytes(16).toString("hex")}`;
        await write.trx
          .insertInto("task_groups")
          .values({
            taskgroup_id: taskgroupId,
            tenant_id: tenantId,
            metadata: JSON.stringify(metadata),
            created_at: write.at,
          })
          .execute();
        const group = await findGroup(write.trx, tenantId, taskgroupId);
        if (group === undefined) throw new Error("A group was created, but is not there");
        await keepAnswer(write, keep?.(group));
        return group;
      }),

    exists: (tenantId, taskgroupId) => groupExists(db, tenantId, taskgroupId),
    find: (tenantId, taskgroupId) => findGroup(db, tenantId, taskgroupId),

    addRuns: ({ tenantId, taskgroupId }, newRuns, { tenant, keep } = {}) =>
      commit(async (write) => {
        if (!(await groupExists(write.trx, tenantId, taskgroupId))) return undefined;
        const runs = await insertRuns(write, newRuns, tenant);
        const group = await findGroup(write.trx, tenantId, taskgroupId);
        if (group === undefined) throw new Error("Runs were added to a group that is not there");
        const added: AddedRuns = { runs, group, before: await positionBefore(write, group, runs) };
        await keepAnswer(write, keep?.(added));
        return added;
      }),

    cancel: ({ tenantId, taskgroupId }, keep) =>
      commit(async (write) => {
        if (!(await groupExists(write.trx, tenantId, taskgroupId))) return undefined;
        await moveGroup(write, taskgroupId, {
          from: ["queued", "action_required"],
          to: "cancelled",
        });
        await moveGroup(write, taskgroupId, { from: ["running"], to: "cancelling" });
        const group = await findGroup(write.trx, tenantId, taskgroupId);
        if (group !== undefined) await keepAnswer(write, keep?.(group));
        return group;
      }),

    async listMembers(taskgroupId, { after, upTo, status, limit }): Promise<GroupMember[]> {
      const rows = await db
        .selectFrom("runs")
        .select(["run_id", "first_event_id"])
        .where("taskgroup_id", "=", taskgroupId)
        .where("first_event_id", ">", after)
        .where("first_event_id", "<=", upTo)
        .$if(status !== undefined, (query) => query.where("status", "=", status ?? ""))
        .orderBy("first_event_id")
        .limit(limit)
        .execute();
      return rows.flatMap(({ run_id: runId, first_event_id: firstEventId }) =>
        firstEventId === null ? [] : [{ runId, firstEventId }],
      );
    },

    lastPosition: () => readLastEventId(db),
    hasChanged: (taskgroupId, range) => groupHasChanged(db, taskgroupId, range),
    readTransitions: (taskgroupId, range) => readTransitions(db, taskgroupId, range),
  };
}

async function groupExists(db: Database, tenantId: string, taskgroupId: string): Promise<boolean> {
  const row = await db
    .selectFrom("task_groups")
    .select("taskgroup_id")
    .where("taskgroup_id", "=", taskgroupId)
    .where("tenant_id", "=", tenantId)
    .executeTakeFirst();
  return row !== undefined;
}

async function findGroup(
  db: Database,
  tenantId: string,
  taskgroupId: string,
): Promise<GroupRecord | undefined> {
  // One statement, so that counts and position belong to the same moment, whatever others write.
  const rows = await db
    .selectFrom("task_groups")
    .leftJoin("runs", "runs.taskgroup_id", "task_groups.taskgroup_id")
    .where("task_groups.taskgroup_id", "=", taskgroupId)
    .where("task_groups.tenant_id", "=", tenantId)
    .groupBy(["task_groups.metadata", "task_groups.created_at", "runs.status"])
    .select(({ fn, selectFrom }) => [
      "task_groups.metadata",
      "task_groups.created_at",
      "runs.status",
      fn.count("runs.status").as("count"),
      fn.max("runs.modified_at").as("modified_at"),
      selectFrom("run_events")
        .select(({ fn: of }) => of.max("id").as("id"))
        .as("position"),
    ])
    .execute();
  const [group] = rows;
  if (group === undefined) return undefined;
  return {
    taskgroupId,
    metadata: group.metadata === null ? null : JsonObject.parse(JSON.parse(group.metadata)),
    createdAt: group.created_at,
    status: toGroupStatus(rows, group.created_at),
    position: group.position ?? 0,
  };
}

function toGroupStatus(
  rows: readonly {
    status: string | null;
    count: string | number | bigint;
    modified_at: string | null;
  }[],
  createdAt: string,
): TaskGroupStatus {
  const counts = rows.flatMap(({ status, count }) =>
    status === null ? [] : [[RunStatus.parse(status), Number(count)] as const],
  );
  const times = rows.flatMap(({ modified_at }) => modified_at ?? []);
  return {
    num_task_runs: counts.reduce((sum, [, count]) => sum + count, 0),
    task_run_status_counts: Object.fromEntries(counts),
    is_active: counts.some(([status]) => isActiveStatus(status)),
    status_message: null,
    // Timestamps sort as text.
    modified_at: times.reduce((latest, time) => (time > latest ? time : latest), createdAt),
  };
}

/** The position just before the runs that were added; null when the group had no others. */
async function positionBefore(
  { trx }: Write,
  { status, position }: GroupRecord,
  [first, ...others]: readonly RunRecord[],
): Promise<number | null> {
  if (first === undefined) return status.num_task_runs === 0 ? null : position;
  if (status.num_task_runs === 1 + others.length) return null;
  const { id } = await trx
    .selectFrom("run_events")
    .select("id")
    .where("run_id", "=", first.runId)
    .where("seq", "=", 1)
    .executeTakeFirstOrThrow();
  return id - 1;
}

const INACTIVE_STATUSES = RunStatus.options.filter((status) => !isActiveStatus(status));

/** See `GroupStore.hasChanged`. */
async function groupHasChanged(
  db: Database,
  taskgroupId: string,
  range: EventRange,
): Promise<boolean> {
  const first = await stateEvents(db, taskgroupId, range)
    .select("run_events.id")
    .limit(1)
    .executeTakeFirst();
  return first !== undefined;
}

/** See `GroupStore.readTransitions`. */
async function readTransitions(
  db: Database,
  taskgroupId: string,
  range: EventRange,
): Promise<GroupTransition[]> {
  const rows = await stateEvents(db, taskgroupId, range)
    .where("run_events.body", "in", INACTIVE_STATUSES.map(writeStateBody))
    .orderBy("run_events.id")
    .select(["run_events.id", "run_events.run_id", "run_events.body", "run_events.created_at"])
    .execute();
  return rows.map(({ id, run_id, body, created_at }) => ({
    eventId: id,
    runId: run_id,
    status: readStateBody(body),
    at: created_at,
  }));
}

/**
 * Up to this many events, it is cheaper to check the group of each event than to read all runs of the group. SQLite
 * cannot know which is cheaper; it reads cross-joined tables in the order in which they are written.
 */
const FEW_EVENTS = 1_000;

function stateEvents(db: Database, taskgroupId: string, { after, upTo }: EventRange) {
  const joined =
    upTo - after <= FEW_EVENTS
      ? db.selectFrom("run_events").crossJoin("runs")
      : db.selectFrom("runs").crossJoin("run_events");
  return joined
    .whereRef("run_events.run_id", "=", "runs.run_id")
    .where("runs.taskgroup_id", "=", taskgroupId)
    .where("run_events.id", ">", after)
    .where("run_events.id", "<=", upTo)
    .where("run_events.type", "=", STATE_TYPE);
}
