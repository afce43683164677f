import type { Database } from "../../database/open-database.ts";
import { RunStatus, isActiveStatus } from "../../task-api/run.ts";
import type { TaskGroupStatus } from "../../task-api/task-group.ts";
import { JsonObject } from "../../task-api/task-spec.ts";
import type { EventRange } from "./group-events.ts";

/** A group as it was at one moment. */
export interface GroupRecord {
  taskgroupId: string;
  metadata: JsonObject | null;
  createdAt: string;
  status: TaskGroupStatus;
  /** The newest event of that moment: what `status` tells is the sum of the events up to it. */
  position: number;
}

/** Whether the group exists and is the tenant's; unlike {@link findGroup} it counts no runs. */
export async function groupExists(
  db: Database,
  tenantId: string,
  taskgroupId: string,
): Promise<boolean> {
  const row = await db
    .selectFrom("task_groups")
    .select("taskgroup_id")
    .where("taskgroup_id", "=", taskgroupId)
    .where("tenant_id", "=", tenantId)
    .executeTakeFirst();
  return row !== undefined;
}

/** The group, if it is the tenant's: nobody learns whether another's exists. */
export async function findGroup(
  db: Database,
  tenantId: string,
  taskgroupId: string,
): Promise<GroupRecord | undefined> {
  // One statement, so that counts and position belong to the same moment, whoever else writes.
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

/** A run of a group, and the event with which it began: what orders the runs, and resumes a list of them. */
export interface GroupMember {
  runId: string;
  firstEventId: number;
}

/** A page of the runs of a group (in `status`, where given) that were created with an event of the range, oldest first. */
export async function listMembers(
  db: Database,
  taskgroupId: string,
  { after, upTo, status, limit }: EventRange & { status?: RunStatus | undefined; limit: number },
): Promise<GroupMember[]> {
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
}

/** The event with which a run began. */
export async function readFirstEventId(db: Database, runId: string): Promise<number> {
  const { id } = await db
    .selectFrom("run_events")
    .select("id")
    .where("run_id", "=", runId)
    .where("seq", "=", 1)
    .executeTakeFirstOrThrow();
  return id;
}
