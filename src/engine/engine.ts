import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { openDatabase } from "../database/open-database.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { createFeedDispatcher } from "./dispatch/dispatcher.ts";
import { startWorker } from "./dispatch/worker.ts";
import { createAnswering } from "./executors/host/answering.ts";
import type { Executor, ExecutorDeps } from "./executors/executor.ts";
import { ApiError } from "./http-api/api-error.ts";
import { createTaskApi } from "./http-api/app.ts";
import { toErrorBody } from "./http-api/error-answer.ts";
import { API_LIMITS, type ApiLimits } from "./http-api/limits.ts";
import type { Profile } from "./http-api/profile.ts";
import { createMetrics } from "./metrics.ts";
import type { FetchFromRun, GuardedFetch } from "./outgoing/guarded-fetch.ts";
import { readNetworks } from "./outgoing/networks.ts";
import { createProcessorPrices } from "./price-overrides.ts";
import { createEvidenceStore } from "./research/create-evidence-store.ts";
import { startRunRetention } from "./retention/start-retention.ts";
import { createSqliteRunStore } from "./runs/sqlite/sqlite-run-store.ts";
import { type Tenants, singleTenant } from "./tenants/tenants.ts";
import { startWebhookDelivery } from "./webhooks/deliver-webhooks.ts";
import { readWebhookSecret } from "./webhooks/webhook-secret.ts";

export interface EngineDeps {
  /** The SQLite file; several engines may share it. `:memory:` for one that ends with the process. */
  databasePath: string;
  createExecutor(deps: ExecutorDeps): Executor | Promise<Executor>;
  /** The accounts that may call; by default any caller, as one tenant. */
  tenants?: Tenants;
  /** `hosted`: exactly what the hosted API does, without our extensions. `extended` (the default) has them. */
  profile?: Profile;
  /** Whether `mcp_servers`, `enable_events` and `webhook` need their value in the `parallel-beta` header. */
  requireBetas?: boolean;
  /** Overrides of {@link API_LIMITS}. */
  limits?: Partial<ApiLimits>;
  /** False: it answers for the runs there are and performs none, so that none should be created. */
  performsRuns?: boolean;
  /** Whether a run fails if its output does not conform to its schema; by default it gets a warning. */
  strictOutput?: boolean;
  /** US dollars per completed run by processor. By default runs are free; see {@link createProcessorPrices}. */
  prices?: Readonly<Record<string, number>> | undefined;
  /** How many runs this process performs at once. */
  concurrency?: number;
  /** Networks in CIDR notation that webhooks of runs may be on, besides the public internet. */
  allowNetworks?: readonly string[];
  /** The secrets that sign webhooks, in the form of {@link readWebhookSecret}; without them webhooks are not signed. */
  webhookSecrets?: readonly string[];
  /** Runs that ended earlier are removed; by default none are. */
  retentionDays?: number | undefined;
  log: Logger;
  clock?: Clock;
}

/** A Task API of its own: the HTTP API, the store behind it, and a worker that performs the runs. */
export interface Engine {
  /** Answers one HTTP request; needs no port. */
  fetch(request: Request): Promise<Response>;
  /** Stops the worker (unfinished runs go back to the queue) and closes the database. */
  close(): Promise<void>;
}

/**
 * Runs mostly wait (for files, for networks), so a few at once keep one core busy. Those that do not wait end together,
 * in one transaction: eight need a fifth less time than four, and still leave a request its turn every 10 ms.
 */
const DEFAULT_CONCURRENCY = 8;

/**
 * Throws `DatabaseUnusable`, `BadNetwork`, `BadWebhookSecret`, and whatever the executor throws when it cannot start.
 */
export async function createEngine(options: EngineDeps): Promise<Engine> {
  const { log, clock = systemClock, allowNetworks = [] } = options;
  const networks = readNetworks(allowNetworks);
  const secrets = (options.webhookSecrets ?? []).map(readWebhookSecret);
  const db = await openDatabase(options.databasePath);
  const runs = await createSqliteRunStore({ db, clock, log });
  try {
    const metrics = createMetrics({ runs, clock });
    const outgoing = createOutgoing(allowNetworks, log);
    const fetchFromRun = outgoing.fetch;
    const evidence = createEvidenceStore(db);
    const performer =
      options.performsRuns === false
        ? undefined
        : await options.createExecutor({
            db,
            evidence,
            submissions: runs.submissions,
            fetchFromRun,
            log,
          });
    const app = createTaskApi({
      runs,
      evidence,
      answering: createAnswering({ runs, evidence }),
      executorKey: performer?.key ?? "none",
      priceOf: createProcessorPrices(options.prices),
      usualSeconds: (processor) => performer?.usualSeconds?.(processor) ?? null,
      warningsFor: async (...asked) => (await performer?.warningsFor?.(...asked)) ?? [],
      tenants: options.tenants ?? singleTenant(undefined),
      profile: options.profile ?? "extended",
      requireBetas: options.requireBetas ?? false,
      limits: { ...API_LIMITS, ...options.limits },
      webhooks: { allowed: networks, areSigned: secrets.length > 0 },
      metrics,
      clock,
      log,
    });
    const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
    const worker =
      performer &&
      startWorker({
        runs,
        dispatcher: createFeedDispatcher(runs.changes),
        executor: metrics.measure(performer),
        concurrency,
        strictOutput: options.strictOutput ?? false,
        clock,
        log,
      });
    const webhooks = startWebhookDelivery({
      queue: runs.deliveries,
      changes: runs.changes,
      clock,
      fetch: fetchFromRun,
      secrets,
      log,
    });
    const retention = startRunRetention({
      expired: runs.expired,
      clock,
      days: options.retentionDays,
      log,
    });
    const answering = new Set<Promise<Response>>();
    let isClosing = false;
    return {
      async fetch(request) {
        if (isClosing) return refuseWhileClosing();
        const answer = Promise.resolve(app.fetch(request));
        answering.add(answer);
        return answer.finally(() => answering.delete(answer));
      },
      async close() {
        isClosing = true;
        await worker?.stop();
        await performer?.close?.();
        await webhooks.stop();
        await retention.stop();
        await outgoing.close();
        // Requests that wait for a run are answered now; then the database is not needed any more.
        runs.changes.close();
        await Promise.allSettled(answering);
        await runs.close();
      },
    };
  } catch (error) {
    await runs.close();
    throw error;
  }
}

function refuseWhileClosing(): Response {
  const refusal = new ApiError(503, "The engine is shutting down; ask again when it is back");
  return Response.json(toErrorBody(refusal, randomUUID()), { status: refusal.status });
}

/** The guarded fetch, loaded by the first request: many engines never make one, and its HTTP client is large. */
function createOutgoing(allowNetworks: readonly string[], log: Logger): GuardedFetch {
  let loading: Promise<GuardedFetch> | undefined;
  async function load(): Promise<GuardedFetch> {
    const { createGuardedFetch } = await import("./outgoing/guarded-fetch.ts");
    return createGuardedFetch({ allowNetworks, log });
  }
  const fetch: FetchFromRun = async (url, request) =>
    (await (loading ??= load())).fetch(url, request);
  return {
    fetch,
    close: async () => (await loading)?.close(),
  };
}
