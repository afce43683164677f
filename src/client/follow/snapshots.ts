// Do not import the logger's types: these are public types of the library.
import type { RunOutput } from "../../task-api/output.ts";
import type { TaskRun } from "../../task-api/run.ts";
import type { TaskGroup } from "../../task-api/task-group.ts";
import type { RunProgress } from "./run-meter.ts";

/** The latest known state of a followed run. */
export interface FollowedState {
  run: TaskRun;
  /** The output of a run that came to one; null for any other, and when the backend no longer holds it. */
  output: RunOutput | null;
  /** Why the state may be old, and since when: the backend does not answer at the moment. */
  staleReason: string | null;
}

/** A followed run with its progress. */
export interface RunSnapshot extends FollowedState, RunProgress {
  /** 0 to 100; never falls for one run, and is 100 only for one that is completed or has an output. */
  percent: number;
}

/** The latest known state of a followed group. */
export interface GroupSnapshot {
  group: TaskGroup;
  /** Why the group may be further than this, and since when: the backend does not answer at the moment. */
  staleReason: string | null;
}
