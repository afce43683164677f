import type { Logger } from "pino";
import { createTaskApiHttp } from "./http/http-core.ts";
import { parseBaseUrl } from "./http/base-url.ts";
import { checkBetas } from "./calls/beta-features.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import type { Fetch } from "./http/fetch.ts";
import { createGroupCalls } from "./calls/group-calls.ts";
import { createIdempotencySupport } from "./calls/idempotency-support.ts";
import { ClientLimits } from "./limits.ts";
import { createRateLimiter } from "./calls/rate-limiter.ts";
import { type RetryPolicy, defaultRetryPolicy } from "./http/retry-policy.ts";
import { createCheckRuns, createRunCalls } from "./calls/run-calls.ts";
import { checkApiKey } from "./http/secrets.ts";
import { createSubmit } from "./calls/create-run-call.ts";
import type { TaskApiClient } from "./task-api-client.ts";

export interface TaskApiClientOptions {
  /** http or https; a path prefix is kept. */
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
export function createTaskApiClient(options: TaskApiClientOptions): TaskApiClient {
  const { apiKey, userAgent, betas = [], clock = systemClock, log } = options;
  if (apiKey !== undefined) checkApiKey(apiKey);
  checkBetas(betas);
  const backend = createTaskApiHttp({
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
  const pacer = createRateLimiter({
    perMinute: options.inputsPerMinute ?? ClientLimits.inputsPerMinute,
    clock,
  });
  const support = createIdempotencySupport({ listRuns: () => runs.listRuns({ limit: 1 }), log });
  const submit = createSubmit({ backend, pacer, support, betas, clock });
  const runs = createRunCalls({ backend, submit, betas });

  return {
    ...runs,
    ...createGroupCalls({ backend, submit }),
    checkRuns: createCheckRuns({ backend, support, betas }),
    honoursIdempotencyKeys: ({ signal } = {}) => support.ask(signal),
  };
}
