import { AsyncLocalStorage } from "node:async_hooks";
import {
  type AuthInfo,
  InMemoryServerEventBus,
  type ServerEventBus,
  isSpecType,
} from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import {
  Forbidden,
  RequestRejected,
  RunNotFound,
  TaskApiError,
  Unauthorized,
} from "../../client/errors.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import type { Clock } from "../../runtime/clock.ts";
import { isJsonObject } from "../../task-api/task-spec.ts";
import { type Principal, requestFactsOf } from "../../runtime/request-facts.ts";
import { readRunUri } from "../report/resource-uri.ts";
import type { Backend } from "../runs/backend.ts";
import { type ReadRunContext, readRun } from "../runs/read-run.ts";

/** Publishes that a run has ended to the subscribers of its resources. */
export interface RunUpdatePublisher {
  /**
   * Follows the runs of these resources for this principal and publishes their URIs when the runs have ended; never for
   * runs that the principal may not read. Returns the function that unsubscribes.
   */
  subscribe(
    uris: readonly string[],
    principal: Principal,
    publish: (uri: string) => void,
  ): () => void;
}

/** Each run may hold a stream to the backend open; no client shows more runs than this. */
const MAX_RUNS = 200;
/** The pause before the next request to a backend that does not answer; the follower has already retried. */
const RETRY_MS = 10_000;

export function createRunUpdatePublisher({
  backend: open,
  clock,
  log,
}: {
  backend: (principal: Principal) => Promise<Backend>;
  clock: Clock;
  log: Logger;
}): RunUpdatePublisher {
  return {
    subscribe(uris, principal, publish) {
      const stopping = new AbortController();
      const runs = byRun(uris);
      if (runs.size > MAX_RUNS) {
        log.warn({ runs: runs.size, followed: MAX_RUNS }, "a subscription names too many runs");
      }
      for (const [runId, ofRun] of [...runs].slice(0, MAX_RUNS)) {
        void publishEnd(runId, ofRun, principal, publish, stopping.signal);
      }
      return () => stopping.abort();
    },
  };

  async function publishEnd(
    runId: string,
    uris: readonly string[],
    principal: Principal,
    publish: (uri: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      while (!(await waitForEnd(runId, principal, signal))) await clock.sleep(RETRY_MS, signal);
      for (const uri of uris) publish(uri);
    } catch (error) {
      // A subscription has no error reply.
      if (!signal.aborted) log.debug({ err: error, run_id: runId }, "a run cannot be followed");
    }
  }

  /** False when the backend does not answer at the moment. Throws permanent errors. */
  async function waitForEnd(
    runId: string,
    principal: Principal,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      const { followers, ledger } = await open(principal);
      let last: RunSnapshot | null = null;
      for await (const seen of followers.watch(runId, { signal })) last = seen;
      if (last !== null) await ledger.record(runId, last);
      return true;
    } catch (error) {
      if (signal.aborted || isPermanent(error)) throw error;
      log.debug({ err: error, run_id: runId }, "a run with subscribers cannot be read");
      return false;
    }
  }
}

function byRun(uris: readonly string[]): Map<string, string[]> {
  const runs = new Map<string, string[]>();
  for (const uri of new Set(uris)) {
    const runId = readRunUri(uri)?.runId;
    if (runId !== undefined) runs.set(runId, [...(runs.get(runId) ?? []), uri]);
  }
  return runs;
}

function isPermanent(error: unknown): boolean {
  return (
    error instanceof RunNotFound ||
    error instanceof Unauthorized ||
    error instanceof Forbidden ||
    error instanceof RequestRejected
  );
}

/** The event bus of an HTTP handler. Each `subscriptions/listen` stream gets events of its own principal's runs only. */
export interface EventBus extends ServerEventBus {
  /** Serves a request. A stream that a `subscriptions/listen` opens meanwhile belongs to the request's principal. */
  whileServing<Answer>(
    request: { body: unknown; authInfo: AuthInfo | undefined },
    serve: () => Promise<Answer>,
  ): Promise<Answer>;
}

/**
 * The SDK subscribes to the bus once per stream, but does not pass the principal or the URIs. Shared events would show
 * one principal the runs of another, so the request is stored in async local storage while it is served.
 */
export function createEventBus(publisher: RunUpdatePublisher): EventBus {
  const shared = new InMemoryServerEventBus();
  const served = new AsyncLocalStorage<{ uris: readonly string[]; principal: Principal }>();
  return {
    publish: (event) => shared.publish(event),

    subscribe(listener) {
      const request = served.getStore();
      const unsubscribe = shared.subscribe(listener);
      if (request === undefined) return unsubscribe;
      const stop = publisher.subscribe(request.uris, request.principal, (uri) =>
        listener({ kind: "resource_updated", uri }),
      );
      return () => {
        unsubscribe();
        stop();
      };
    },

    async whileServing({ body, authInfo }, serve) {
      // The method first: few requests are subscriptions, and checking the whole body takes time.
      if (!isJsonObject(body) || body["method"] !== "subscriptions/listen") return serve();
      if (!isSpecType.SubscriptionsListenRequest(body)) return serve();
      const uris = body.params.notifications.resourceSubscriptions ?? [];
      return served.run({ uris, principal: requestFactsOf(authInfo).principal }, serve);
    },
  };
}

/**
 * Handles the backend's webhook about a changed run: its followers read it at once. If the run was started here, so does
 * the ledger, which keeps the output even when no call asks for it. Throws `LedgerUnavailable`.
 */
export async function onRunWebhook(runId: string, call: ReadRunContext): Promise<void> {
  const { backend } = call;
  backend.followers.notify(runId);
  const entry = await backend.ledger.find(runId);
  if (entry?.isActive !== true) return;
  try {
    await readRun(runId, { include: "output" }, call);
  } catch (error) {
    // The next read returns the same.
    if (!(error instanceof TaskApiError)) throw error;
  }
}
