import type { RunStatus } from "../../task-api/run.ts";
import type { TaskGroupMetadata, TaskGroupStatus } from "../../task-api/task-group.ts";
import type { JsonObject } from "../../task-api/task-spec.ts";
import type { KeepAnswer } from "./kept-answers.ts";
import type { AcceptOptions, NewRun } from "./new-run.ts";
import type { RunRecord } from "./run-record.ts";

/**
 * Task groups. What happens in them has positions: numbers that rise over all runs in the order in which changes become
 * visible, so a reader that has seen everything up to one misses nothing by asking for what comes after it.
 */
export interface GroupStore {
  create(
    group: { tenantId: string; metadata: TaskGroupMetadata },
    keep?: KeepAnswer<GroupRecord>,
  ): Promise<GroupRecord>;
  /** Whether the group exists and is the tenant's; unlike {@link GroupStore.find} it counts no runs. */
  exists(tenantId: string, taskgroupId: string): Promise<boolean>;
  /** The group, if it is the tenant's. */
  find(tenantId: string, taskgroupId: string): Promise<GroupRecord | undefined>;
  /** {@link RunStore.accept} for runs of one group. Undefined when the tenant has no such group. */
  addRuns(
    group: { tenantId: string; taskgroupId: string },
    newRuns: readonly NewRun[],
    options?: AcceptOptions<AddedRuns>,
  ): Promise<AddedRuns | undefined>;
  /**
   * Asks for the end of every unfinished run, as {@link RunStore.cancel} does for one, all in one transaction. Undefined
   * when the tenant has no such group.
   */
  cancel(
    group: { tenantId: string; taskgroupId: string },
    keep?: KeepAnswer<GroupRecord>,
  ): Promise<GroupRecord | undefined>;
  /** A page of the runs (in `status`, where given) that were created at a position of the range, oldest first. */
  listMembers(
    taskgroupId: string,
    query: EventRange & { status?: RunStatus | undefined; limit: number },
  ): Promise<GroupMember[]>;

  /** The newest position there is; 0 before the first. */
  lastPosition(): Promise<number>;
  /** Whether any run of the group changed its status, or was added. */
  hasChanged(taskgroupId: string, range: EventRange): Promise<boolean>;
  /** The transitions to statuses that are not active, in the order they happened. */
  readTransitions(taskgroupId: string, range: EventRange): Promise<GroupTransition[]>;
}

/** A group as it was at one moment. */
export interface GroupRecord {
  taskgroupId: string;
  metadata: JsonObject | null;
  createdAt: string;
  status: TaskGroupStatus;
  /** The position of the newest event that `status` includes. */
  position: number;
}

export interface AddedRuns {
  runs: RunRecord[];
  /** The group with them. */
  group: GroupRecord;
  /** The position just before them; null when the group had no runs. */
  before: number | null;
}

/** The positions with `after` < position ≤ `upTo`. */
export interface EventRange {
  after: number;
  upTo: number;
}

/** A run of a group, and the position of its first event: it orders the runs, and resumes a list of them. */
export interface GroupMember {
  runId: string;
  firstEventId: number;
}

/** A run of the group stopped being active: it ended, or waits for an answer from outside. */
export interface GroupTransition {
  eventId: number;
  runId: string;
  status: RunStatus;
  at: string;
}
