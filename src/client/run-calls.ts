import { TaskRunResult } from "../task-api/output.ts";
import { RunEvent } from "../task-api/run-event.ts";
import { RunInput } from "../task-api/run-input.ts";
import { TaskRun, TaskRunList } from "../task-api/run.ts";
import type { Backend } from "./backend.ts";
import { betaHeader } from "./beta-features.ts";
import { RunNotFound } from "./errors.ts";
import { ClientLimits } from "./limits.ts";
import { get, isPathSegment, withQuery } from "./requests.ts";
import type { Submit } from "./submit.ts";
import type { RunCalls } from "./task-api-client.ts";

const RUNS = "/v1/tasks/runs";

/** Servers may know more fields than this contract: reading back an input drops them instead of failing. */
const StoredRunInput = RunInput.strip();

/** Source: Task API, endpoints 1 to 5, and our extensions. */
export function createRunCalls({
  backend,
  submit,
  betas,
}: {
  backend: Backend;
  submit: Submit;
  /** Sent where a result is read, too: one of them changes what a result looks like. */
  betas: readonly string[];
}): RunCalls {
  return {
    createRun(input, options = {}) {
      const timeoutMs = ClientLimits.callTimeoutMs;
      const subject = { kind: "create" } as const;
      const submission = { path: RUNS, body: input, inputs: [input], subject, timeoutMs };
      return submit(submission, TaskRun, options);
    },
    async retrieveRun(runId, { signal } = {}) {
      return backend.read(get(runPath(runId), { kind: "run", runId }), TaskRun, signal);
    },
    async retrieveResult(runId, { timeoutSeconds, signal }) {
      const seconds = Math.min(
        Math.max(Math.ceil(timeoutSeconds), 1),
        ClientLimits.longPollMaxSeconds,
      );
      const call = {
        ...get(`${runPath(runId)}/result?timeout=${seconds}`, { kind: "result", runId }),
        headers: betaHeader(betas),
        timeoutMs: seconds * 1_000 + ClientLimits.longPollGraceMs,
      };
      return backend.read(call, TaskRunResult, signal);
    },
    async retrieveInput(runId, { signal } = {}) {
      const call = get(`${runPath(runId)}/input`, { kind: "run", runId });
      return backend.read(call, StoredRunInput, signal);
    },
    streamEvents(runId, { signal } = {}) {
      const call = () => ({
        ...get(`${runPath(runId)}/events`, { kind: "run", runId }),
        timeoutMs: ClientLimits.streamOpeningMs,
        silenceMs: ClientLimits.streamSilenceMs,
      });
      return backend.stream(call, RunEvent, signal);
    },
    async cancelRun(runId, { signal } = {}) {
      const call = {
        ...get(`${runPath(runId)}/cancel`, { kind: "cancel", runId }),
        // A second cancel changes nothing, so it is repeated like a read.
        method: "POST" as const,
      };
      return backend.read(call, TaskRun, signal);
    },
    listRuns({ status, limit, cursor }, { signal } = {}) {
      const path = withQuery(RUNS, { status, limit, cursor });
      return backend.read(get(path, { kind: "list" }), TaskRunList, signal);
    },
  };
}

/** Throws `RunNotFound` for an id that cannot be one. */
function runPath(runId: string): string {
  if (!isPathSegment(runId)) throw new RunNotFound(runId);
  return `${RUNS}/${encodeURIComponent(runId)}`;
}
