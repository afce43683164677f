import type { Database } from "../../../database/open-database.ts";
import { RunStatus, isActiveStatus } from "../../../task-api/run.ts";
import type { EventRange, GroupTransition } from "../group-store.ts";
import { STATE_TYPE, readStateBody, writeStateBody } from "./event-log.ts";

const INACTIVE_STATUSES = RunStatus.options.filter((status) => !isActiveStatus(status));

/** See `GroupStore.hasChanged`. */
export async function groupHasChanged(
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
export async function readTransitions(
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
 * Up to so many events it is cheaper to ask of each which group its run is in than to look through all runs of the
 * group. SQLite cannot know which is cheaper, and takes cross-joined tables in the order in which they are written.
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
