import { AnswerForm } from "../../task-api/answer.ts";
import { lenient } from "../../task-api/lenient.ts";
import { RunEvidence } from "../../task-api/evidence.ts";
import { RunOutput, TaskRunResult } from "../../task-api/output.ts";
import { AnnouncedProcessor, SentProcessors } from "../../task-api/processor-list.ts";
import { RunEvent } from "../../task-api/run-event.ts";
import { UndisputedRunInput } from "../../task-api/run-input.ts";
import { RequestCheck, TaskRun, TaskRunList } from "../../task-api/run.ts";
import type { TaskApiHttp } from "../http/http-core.ts";
import { betaHeader } from "./beta-features.ts";
import { RequestRejected, RunNotFound } from "../errors.ts";
import type { IdempotencySupport } from "./idempotency-support.ts";
import { ClientLimits } from "../limits.ts";
import { get, isPathSegment, withQuery } from "./requests.ts";
import { type SendCreate, headerSecrets } from "./create-run-call.ts";
import type { RunCalls, TaskApiClient } from "../task-api-client.ts";

const RUNS = "/v1/tasks/runs";

/** Servers may know more fields than this contract: reading back an input drops them instead of failing. */
const StoredRunInput = UndisputedRunInput.strip();

/**
 * The answer to a create must have the id only: an accepted run starts in the queue. Source: Task API, "Create a run".
 */
const CreatedRun = lenient(TaskRun, { status: "queued", is_active: true });

/** `output` is null where a result holds none. */
const HeldResult = TaskRunResult.extend({ output: RunOutput.nullable().default(null) });

/** Source: Task API, endpoints 1 to 5, and our extensions. */
export function createRunCalls({
  http,
  sendCreate,
  betas,
}: {
  http: TaskApiHttp;
  sendCreate: SendCreate;
  /** The beta features to send. Also sent when a result is read, because one of them changes the form of a result. */
  betas: readonly string[];
}): RunCalls {
  return {
    createRun(input, options = {}) {
      const timeoutMs = ClientLimits.callTimeoutMs;
      const subject = { kind: "create" } as const;
      const call = { path: RUNS, body: input, inputs: [input], subject, timeoutMs };
      return sendCreate(call, CreatedRun, options);
    },
    async retrieveRun(runId, { signal } = {}) {
      const call = get(runPath(runId), { kind: "run", runId });
      return http.read(call, lenient(TaskRun, { run_id: runId }), signal);
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
      const schema = lenient(HeldResult, { run_id: runId });
      const { output, ...result } = await http.read(call, schema, signal);
      if (output === null) throw new RunNotFound(runId);
      return { ...result, output };
    },
    async retrieveInput(runId, { signal } = {}) {
      const call = get(`${runPath(runId)}/input`, { kind: "run", runId });
      return http.read(call, StoredRunInput, signal);
    },
    streamEvents(runId, { signal } = {}) {
      const call = () => ({
        ...get(`${runPath(runId)}/events`, { kind: "run", runId }),
        timeoutMs: ClientLimits.streamOpeningMs,
        silenceMs: ClientLimits.streamSilenceMs,
      });
      // A state without a status is none: the run is read again after the stream.
      const schema = lenient(RunEvent, { run_id: runId, status: null });
      return http.stream(call, schema, signal);
    },
    async cancelRun(runId, { signal } = {}) {
      const call = {
        ...get(`${runPath(runId)}/cancel`, { kind: "cancel", runId }),
        // A second cancel changes nothing, so it is repeated like a read.
        method: "POST" as const,
      };
      return http.read(call, lenient(TaskRun, { run_id: runId }), signal);
    },
    async readEvidence(runId, query, { signal } = {}) {
      const path = withQuery(`${runPath(runId)}/evidence`, query);
      return http.read(get(path, { kind: "evidence", runId }), lenient(RunEvidence), signal);
    },
    async readAnswerForm(runId, { offset, signal } = {}) {
      const path = withQuery(`${runPath(runId)}/answer`, { offset });
      try {
        return await http.read(get(path, { kind: "run", runId }), AnswerForm, signal);
      } catch (error) {
        const isNone = error instanceof RunNotFound || error instanceof RequestRejected;
        if (isNone) return null;
        throw error;
      }
    },
    async submitAnswer(runId, submission, { signal } = {}) {
      const call = {
        ...get(`${runPath(runId)}/answer`, { kind: "run", runId }),
        method: "POST" as const,
        body: JSON.stringify(submission),
        repeatable: false,
      };
      return http.read(call, lenient(TaskRun, { run_id: runId }), signal);
    },
    listRuns({ status, limit, cursor }, { signal } = {}) {
      const path = withQuery(RUNS, { status, limit, cursor });
      // Whether a create may be sent again hangs on this answer.
      const call = { ...get(path, { kind: "list" }), isAnswerVital: true };
      return http.read(call, lenient(TaskRunList), signal);
    },
    async listProcessors({ signal } = {}) {
      const call = get("/v1/tasks/processors", { kind: "list" });
      const { processors } = await http.read(call, SentProcessors, signal);
      // Each entry is parsed on its own, so that an invalid one does not affect the others.
      return processors.flatMap((sent) => AnnouncedProcessor.safeParse(sent).data ?? []);
    },
  };
}

/** Asks only a backend that has our extensions: to any other the path could mean something else. */
export function createCheckRuns({
  http,
  idempotency,
  betas,
}: {
  http: TaskApiHttp;
  idempotency: IdempotencySupport;
  betas: readonly string[];
}): TaskApiClient["checkRuns"] {
  return async (body, { signal } = {}) => {
    if (!(await idempotency.ask(signal))) return null;
    const inputs = "inputs" in body ? body.inputs : [body];
    const call = {
      ...get(`${RUNS}/check`, { kind: "create" } as const),
      method: "POST" as const,
      body: JSON.stringify(body),
      headers: betaHeader(betas, inputs),
      secrets: headerSecrets(inputs),
    };
    try {
      return await http.read(call, RequestCheck, signal);
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
