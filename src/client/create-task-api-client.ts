import type { Logger } from "pino";
import { TaskRunResult } from "../task-api/output.ts";
import { RunInput } from "../task-api/run-input.ts";
import { TaskRun, TaskRunList } from "../task-api/run.ts";
import type { Subject } from "./answer-error.ts";
import { type Call, createBackend } from "./backend.ts";
import { parseBaseUrl } from "./base-url.ts";
import { betaFeatures } from "./beta-features.ts";
import { type Clock, systemClock } from "./clock.ts";
import { RunNotFound } from "./errors.ts";
import type { Fetch } from "./fetch.ts";
import { ClientLimits } from "./limits.ts";
import { type RetryPolicy, defaultRetryPolicy } from "./retry-policy.ts";
import { checkApiKey, createRedact } from "./secrets.ts";
import type { TaskApiClient } from "./task-api-client.ts";

export interface TaskApiClientOptions {
  /** http or https; a path prefix is kept. */
  baseUrl: string;
  apiKey?: string | undefined;
  /** `task-run-mcp/<version>`. */
  userAgent?: string | undefined;
  fetch: Fetch;
  retryPolicy?: RetryPolicy;
  clock?: Clock;
  log?: Logger;
}

const RUNS = "/v1/tasks/runs";

/** Servers may know more fields than this contract: reading back an input drops them instead of failing. */
const StoredRunInput = RunInput.strip();

/** Throws `InvalidBaseUrl` and `InvalidApiKey`. Source: Task API, "Endpoint table". */
export function createTaskApiClient(options: TaskApiClientOptions): TaskApiClient {
  const { apiKey, userAgent, clock = systemClock } = options;
  if (apiKey !== undefined) checkApiKey(apiKey);
  const backend = createBackend({
    baseUrl: parseBaseUrl(options.baseUrl),
    headers: {
      ...(apiKey === undefined ? {} : { "x-api-key": apiKey }),
      ...(userAgent === undefined ? {} : { "user-agent": userAgent }),
    },
    fetch: options.fetch,
    redact: createRedact(apiKey),
    retryPolicy: options.retryPolicy ?? defaultRetryPolicy,
    clock,
    log: options.log,
  });

  return {
    createRun(input, { signal } = {}) {
      const features = betaFeatures(input);
      const call: Call = {
        method: "POST",
        path: RUNS,
        body: JSON.stringify(input),
        headers: features.length === 0 ? {} : { "parallel-beta": features.join(",") },
        subject: { kind: "create" },
        repeatable: false,
        timeoutMs: ClientLimits.callTimeoutMs,
      };
      return backend.read(call, TaskRun, signal);
    },
    async retrieveRun(runId, { signal } = {}) {
      return backend.read(get(runPath(runId), { kind: "run", runId }), TaskRun, signal);
    },
    async retrieveResult(runId, { timeoutSeconds, signal }) {
      const seconds = Math.min(
        Math.max(Math.ceil(timeoutSeconds), 1),
        ClientLimits.longPollMaxSeconds,
      );
      const call: Call = {
        ...get(`${runPath(runId)}/result?timeout=${seconds}`, { kind: "result", runId }),
        timeoutMs: seconds * 1_000 + ClientLimits.longPollGraceMs,
      };
      return backend.read(call, TaskRunResult, signal);
    },
    async retrieveInput(runId, { signal } = {}) {
      const call = get(`${runPath(runId)}/input`, { kind: "run", runId });
      return backend.read(call, StoredRunInput, signal);
    },
    async *streamEvents(runId, { signal } = {}) {
      const call: Call = {
        ...get(`${runPath(runId)}/events`, { kind: "run", runId }),
        timeoutMs: ClientLimits.streamSilenceMs,
      };
      yield* backend.stream(call, signal);
    },
    async cancelRun(runId, { signal } = {}) {
      const call: Call = {
        method: "POST",
        path: `${runPath(runId)}/cancel`,
        subject: { kind: "cancel", runId },
        // A second cancel changes nothing.
        repeatable: true,
        timeoutMs: ClientLimits.callTimeoutMs,
      };
      return backend.read(call, TaskRun, signal);
    },
    listRuns(query, { signal } = {}) {
      const search = new URLSearchParams();
      if (query.status !== undefined) search.set("status", query.status);
      if (query.limit !== undefined) search.set("limit", String(query.limit));
      if (query.cursor !== undefined) search.set("cursor", query.cursor);
      const path = search.size === 0 ? RUNS : `${RUNS}?${search.toString()}`;
      return backend.read(get(path, { kind: "list" }), TaskRunList, signal);
    },
  };
}

function get(path: string, subject: Subject): Call {
  return { method: "GET", path, subject, repeatable: true, timeoutMs: ClientLimits.callTimeoutMs };
}

/**
 * The run's path. An id that cannot be a path segment is no run's: `.` and `..` would name another endpoint even when
 * encoded, and text that is not well-formed cannot be encoded at all. Throws `RunNotFound`.
 */
function runPath(runId: string): string {
  if (runId === "" || runId === "." || runId === ".." || /\p{Surrogate}/u.test(runId)) {
    throw new RunNotFound(runId);
  }
  return `${RUNS}/${encodeURIComponent(runId)}`;
}
