import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import type { TaskGroup, TaskGroupEvent } from "../../task-api/task-group.ts";
import type { Clock } from "../../runtime/clock.ts";
import { BackendTimedOut, RequestRejected, TaskApiError, isTransient } from "../errors.ts";
import type { FollowPolicy } from "./follow-policy.ts";
import { createBackoff } from "./backoff.ts";
import type { GroupSnapshot } from "./snapshots.ts";
import type { TaskApiClient } from "../task-api-client.ts";

interface FollowGroupOptions {
  taskgroupId: string;
  client: TaskApiClient;
  clock: Clock;
  policy: FollowPolicy;
  log: Logger | undefined;
  /** Ends the following at once. */
  signal: AbortSignal;
  onSnapshot: (snapshot: GroupSnapshot) => void;
}

/**
 * Follows a group until nothing in it is active and the last snapshot is published. It tries the event stream first,
 * then plain reads. Only a read decides that the group has ended: a stream that ends, or reports nothing active, does
 * not. Rejects as `followRun` does.
 */
export async function followGroup(options: FollowGroupOptions): Promise<void> {
  const { taskgroupId, client, clock, policy, signal, onSnapshot } = options;
  const log = options.log?.child({ taskgroup_id: taskgroupId });
  const backoff = createBackoff({ clock, policy });
  let known: GroupSnapshot | null = null;
  let lastEventId: string | null = null;

  if ((await readGroup()) === "finished") return;
  for (let shortStreams = 0; ;) {
    const openedAt = clock.elapsedMs();
    const stream = await followStream();
    if (stream === "finished") return;
    if (clock.elapsedMs() - openedAt >= policy.longStreamMs && stream !== "silent") {
      // Its time window was over.
      shortStreams = 0;
    } else if (stream === "ended") {
      // Everything had ended, and more was added since; or something cuts streams.
      shortStreams += 1;
      if ((await readGroup()) === "finished") return;
      await clock.sleep(backoff.pauseMs(shortStreams), signal);
    } else if ((await poll()) === "finished") {
      return;
    }
  }

  async function followStream(): Promise<"finished" | "ended" | "silent" | "failed"> {
    try {
      const query = lastEventId === null ? {} : { lastEventId };
      for await (const event of client.streamGroupEvents(taskgroupId, query, { signal })) {
        if ((await takeEvent(event)) === "finished") return "finished";
      }
      log?.debug("the event stream of the group ended");
      return "ended";
    } catch (error) {
      if (!(error instanceof TaskApiError)) throw error;
      log?.debug({ err: error }, "the event stream of the group failed");
      // The event id may be what the backend objects to.
      if (error instanceof RequestRejected) lastEventId = null;
      return error instanceof BackendTimedOut ? "silent" : "failed";
    }
  }

  async function takeEvent(event: TaskGroupEvent): Promise<"finished" | "active"> {
    if (event.type === "error") return isFinished(await readGroup());
    lastEventId = event.event_id || lastEventId;
    // How many runs have which status follows in an event of its own.
    if (event.type === "task_run.state") return "active";
    if (!event.status.is_active) return isFinished(await readGroup());
    if (known !== null) takeGroup({ ...known.group, status: event.status });
    return "active";
  }

  /** Reads the group now and then, until it is finished or the stream is worth another try. */
  async function poll(): Promise<"finished" | "active"> {
    const streamAgainAt = clock.elapsedMs() + policy.streamAgainAfterMs;
    let hasFailed = false;
    for (let pauses = 1; clock.elapsedMs() < streamAgainAt; pauses += 1) {
      const state = await readGroup();
      if (state === "finished") return "finished";
      if (state === "unreadable") hasFailed = true;
      // The backend is back, and with it perhaps its streams.
      else if (hasFailed) return "active";
      await clock.sleep(backoff.pauseMs(pauses), signal);
    }
    return "active";
  }

  /** Reads the group itself; stream events are only hints. Throws permanent errors. */
  async function readGroup(): Promise<"finished" | "active" | "unreadable"> {
    try {
      return takeGroup(await client.retrieveGroup(taskgroupId, { signal }));
    } catch (error) {
      if (!isTransient(error) || known === null) throw error;
      log?.debug({ err: error }, "the group cannot be read");
      publish({ ...known, staleReason: backoff.noteFailure(error) });
      return "unreadable";
    }
  }

  function takeGroup(group: TaskGroup): "finished" | "active" {
    backoff.noteAnswer();
    publish({ group, staleReason: null });
    return group.status.is_active ? "active" : "finished";
  }

  /** After a reconnect the stream repeats the status: it is not published twice. */
  function publish(snapshot: GroupSnapshot): void {
    if (isDeepStrictEqual(snapshot, known)) return;
    known = snapshot;
    onSnapshot(snapshot);
  }
}

function isFinished(state: "finished" | "active" | "unreadable"): "finished" | "active" {
  return state === "finished" ? "finished" : "active";
}
