import type { Logger } from "pino";
import { createTaskApiHttp } from "./http/http-core.ts";
import { checkApiKey, parseBaseUrl } from "./http/connection-options.ts";
import { checkBetas } from "./calls/beta-features.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import type { Fetch } from "./http/fetch.ts";
import { createGroupCalls } from "./calls/group-calls.ts";
import { createIdempotencySupport } from "./calls/idempotency-support.ts";
import { ClientLimits } from "./limits.ts";
import { createRateLimiter } from "./calls/rate-limiter.ts";
import { type RetryPolicy, defaultRetryPolicy } from "./http/retry-policy.ts";
import { createCheckRuns, createRunCalls } from "./calls/run-calls.ts";
import { createSendCreate } from "./calls/create-run-call.ts";
import type { TaskApiClient } from "./task-api-client.ts";

export interface TaskApiClientOptions {
  /** An http or https URL; a path prefix is preserved. */
  baseUrl: string;
  apiKey?: string | undefined;
  /** `task-run-mcp/<version>`. */
  userAgent?: string | undefined;
  fetch: Fetch;
  /** `parallel-beta` values to send besides those of the features a run uses. */
  betas?: readonly string[];
  /** How many runs may be created a minute; more are held back. 2,000 by default, `Infinity` for no limit. */
  inputsPerMinute?: number;
  retryPolicy?: RetryPolicy;
  clock?: Clock;
  log?: Logger;
}

/** Throws `InvalidBaseUrl`, `InvalidApiKey` and `InvalidBeta`. Source: Task API, "Endpoint table". */
export function createClient(options: TaskApiClientOptions): TaskApiClient {
  const { apiKey, userAgent, betas = [], clock = systemClock, log } = options;
  if (apiKey !== undefined) checkApiKey(apiKey);
  checkBetas(betas);
  const http = createTaskApiHttp({
    baseUrl: parseBaseUrl(options.baseUrl),
    headers: {
      ...(apiKey === undefined ? {} : { "x-api-key": apiKey }),
      ...(userAgent === undefined ? {} : { "user-agent": userAgent }),
    },
    fetch: options.fetch,
    secrets: apiKey === undefined ? [] : [apiKey],
    retryPolicy: options.retryPolicy ?? defaultRetryPolicy,
    clock,
    log,
  });
  const rateLimiter = createRateLimiter({
    perMinute: options.inputsPerMinute ?? ClientLimits.inputsPerMinute,
    clock,
  });
  const idempotency = createIdempotencySupport({
    listRuns: () => runs.listRuns({ limit: 1 }),
    log,
  });
  const sendCreate = createSendCreate({ http, rateLimiter, idempotency, betas, clock });
  const runs = createRunCalls({ http, sendCreate, betas });

  return {
    ...runs,
    ...createGroupCalls({ http, sendCreate }),
    checkRuns: createCheckRuns({ http, idempotency, betas }),
    honoursIdempotencyKeys: ({ signal } = {}) => idempotency.ask(signal),
  };
}
