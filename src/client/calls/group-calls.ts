import { lenient } from "../../task-api/lenient.ts";
import {
  TaskGroup,
  TaskGroupEvent,
  TaskGroupRunEvent,
  TaskGroupRunResponse,
} from "../../task-api/task-group.ts";
import type { TaskApiHttp } from "../http/http-core.ts";
import { GroupNotFound } from "../errors.ts";
import { ClientLimits } from "../limits.ts";
import { get, isPathSegment, withQuery } from "./requests.ts";
import type { SendCreate } from "./create-run-call.ts";
import type { GroupCalls } from "../task-api-client.ts";

const GROUPS = "/v1/tasks/groups";

/** Source: Task API, endpoints 6 to 10, and our extension. */
export function createGroupCalls({
  http,
  sendCreate,
}: {
  http: TaskApiHttp;
  sendCreate: SendCreate;
}): GroupCalls {
  return {
    createGroup(body, options = {}) {
      const timeoutMs = ClientLimits.callTimeoutMs;
      const subject = { kind: "create-group" } as const;
      return sendCreate(
        { path: GROUPS, body, inputs: [], subject, timeoutMs },
        lenient(TaskGroup),
        options,
      );
    },
    async retrieveGroup(taskgroupId, { signal } = {}) {
      const call = get(groupPath(taskgroupId), { kind: "group", taskgroupId });
      return http.read(call, lenient(TaskGroup, { taskgroup_id: taskgroupId }), signal);
    },
    async addRuns(taskgroupId, body, options = {}) {
      const call = {
        path: `${groupPath(taskgroupId)}/runs`,
        body,
        inputs: body.inputs,
        subject: { kind: "add-runs", taskgroupId } as const,
        timeoutMs: ClientLimits.addRunsTimeoutMs,
      };
      return sendCreate(call, lenient(TaskGroupRunResponse), options);
    },
    async cancelGroup(taskgroupId, { signal } = {}) {
      const call = {
        ...get(`${groupPath(taskgroupId)}/cancel`, { kind: "cancel-group", taskgroupId }),
        // A second cancel changes nothing, so it is repeated like a read.
        method: "POST" as const,
      };
      return http.read(call, lenient(TaskGroup, { taskgroup_id: taskgroupId }), signal);
    },
    streamGroupRuns(taskgroupId, query, { signal } = {}) {
      const call = () => {
        const path = withQuery(`${groupPath(taskgroupId)}/runs`, {
          status: query.status,
          include_input: query.includeInput,
          include_output: query.includeOutput,
          last_event_id: query.lastEventId,
        });
        return {
          ...get(path, { kind: "group", taskgroupId }),
          silenceMs: ClientLimits.readTimeoutMs,
          totalMs: ClientLimits.listMs,
        };
      };
      return http.stream(call, lenient(TaskGroupRunEvent), signal);
    },
    streamGroupEvents(taskgroupId, query, { signal } = {}) {
      const call = () => {
        const path = withQuery(`${groupPath(taskgroupId)}/events`, {
          last_event_id: query.lastEventId,
          timeout: query.timeoutSeconds,
        });
        return {
          ...get(path, { kind: "group", taskgroupId }),
          timeoutMs: ClientLimits.streamOpeningMs,
          silenceMs: ClientLimits.streamSilenceMs,
        };
      };
      return http.stream(call, lenient(TaskGroupEvent), signal);
    },
  };
}

/** Throws `GroupNotFound` for an id that cannot be one. */
function groupPath(taskgroupId: string): string {
  if (!isPathSegment(taskgroupId)) throw new GroupNotFound(taskgroupId);
  return `${GROUPS}/${encodeURIComponent(taskgroupId)}`;
}
