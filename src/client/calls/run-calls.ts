import { lenient } from "../../task-api/lenient.ts";
import { RunOutput, TaskRunResult } from "../../task-api/output.ts";
import { AnnouncedProcessor, SentProcessors } from "../../task-api/processor-list.ts";
import { RunEvent } from "../../task-api/run-event.ts";
import { UndisputedRunInput } from "../../task-api/run-input.ts";
import { RequestCheck, TaskRun, TaskRunList } from "../../task-api/run.ts";
import type { TaskApiHttp } from "../http/http-core.ts";
import { betaFeatures, betaHeader } from "./beta-features.ts";
import { RequestRejected, RunNotFound } from "../errors.ts";
import type { IdempotencySupport } from "./idempotency-support.ts";
import { ClientLimits } from "../limits.ts";
import { get, isPathSegment, withQuery } from "./requests.ts";
import type { Submit } from "./create-run-call.ts";
import { headerSecrets } from "../http/secrets.ts";
import type { RunCalls, TaskApiClient } from "../task-api-client.ts";

const RUNS = "/v1/tasks/runs";

/** Servers may know more fields than this contract: reading back an input drops them instead of failing. */
const StoredRunInput = UndisputedRunInput.strip();

/** A run that was accepted begins in the queue; only its id must be told. Source: Task API, "Create a run". */
const CreatedRun = lenient(TaskRun, { status: "queued", is_active: true });

/** `output` is null where a result holds none. */
const HeldResult = TaskRunResult.extend({ output: RunOutput.nullable().default(null) });

/** Source: Task API, endpoints 1 to 5, and our extensions. */
export function createRunCalls({
  backend,
  submit,
  betas,
}: {
  backend: TaskApiHttp;
  submit: Submit;
  /** Sent where a result is read, too: one of them changes what a result looks like. */
  betas: readonly string[];
}): RunCalls {
  return {
    createRun(input, options = {}) {
      const timeoutMs = ClientLimits.callTimeoutMs;
      const subject = { kind: "create" } as const;
      const submission = { path: RUNS, body: input, inputs: [input], subject, timeoutMs };
      return submit(submission, CreatedRun, options);
    },
    async retrieveRun(runId, { signal } = {}) {
      const call = get(runPath(runId), { kind: "run", runId });
      return backend.read(call, lenient(TaskRun, { run_id: runId }), signal);
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
      const contract = lenient(HeldResult, { run_id: runId });
      const { output, ...result } = await backend.read(call, contract, signal);
      if (output === null) throw new RunNotFound(runId);
      return { ...result, output };
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
      // A state without a status is none: the run is read again after the stream.
      const contract = lenient(RunEvent, { run_id: runId, status: null });
      return backend.stream(call, contract, signal);
    },
    async cancelRun(runId, { signal } = {}) {
      const call = {
        ...get(`${runPath(runId)}/cancel`, { kind: "cancel", runId }),
        // A second cancel changes nothing, so it is repeated like a read.
        method: "POST" as const,
      };
      return backend.read(call, lenient(TaskRun, { run_id: runId }), signal);
    },
    listRuns({ status, limit, cursor }, { signal } = {}) {
      const path = withQuery(RUNS, { status, limit, cursor });
      // Whether a create may be sent again hangs on this answer.
      const call = { ...get(path, { kind: "list" }), isAnswerVital: true };
      return backend.read(call, lenient(TaskRunList), signal);
    },
    async listProcessors({ signal } = {}) {
      const call = get("/v1/tasks/processors", { kind: "list" });
      const { processors } = await backend.read(call, SentProcessors, signal);
      // Each is read on its own: what one of them is wrong about says nothing of the others.
      return processors.flatMap((sent) => AnnouncedProcessor.safeParse(sent).data ?? []);
    },
  };
}

/** Asks only a backend that has our extensions: to any other the path could mean something else. */
export function createCheckRuns({
  backend,
  support,
  betas,
}: {
  backend: TaskApiHttp;
  support: IdempotencySupport;
  betas: readonly string[];
}): TaskApiClient["checkRuns"] {
  return async (body, { signal } = {}) => {
    if (!(await support.ask(signal))) return null;
    const inputs = "inputs" in body ? body.inputs : [body];
    const call = {
      ...get(`${RUNS}/check`, { kind: "create" } as const),
      method: "POST" as const,
      body: JSON.stringify(body),
      headers: betaHeader([...inputs.flatMap(betaFeatures), ...betas]),
      secrets: headerSecrets(inputs),
    };
    try {
      return await backend.read(call, RequestCheck, signal);
    } catch (error) {
      // An earlier version of our engine.
      if (error instanceof RequestRejected && (error.status === 404 || error.status === 405)) {
        return null;
      }
      throw error;
    }
  };
}

/** Throws `RunNotFound` for an id that cannot be one. */
function runPath(runId: string): string {
  if (!isPathSegment(runId)) throw new RunNotFound(runId);
  return `${RUNS}/${encodeURIComponent(runId)}`;
}
