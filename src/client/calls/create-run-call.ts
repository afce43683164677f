import type { RunInput } from "../../task-api/run-input.ts";
import type { Clock } from "../../runtime/clock.ts";
import { DeadlinePassed, withDeadline } from "../../runtime/deadline.ts";
import { jsonText } from "../../text/json.ts";
import { secretsIn } from "../../text/redact.ts";
import { InvalidRequest, RateLimited, TaskApiError } from "../errors.ts";
import type { TaskApiHttp } from "../http/http-core.ts";
import type { Subject } from "../http/parse-error-response.ts";
import type { ResponseSchema } from "../http/read-response.ts";
import { ClientLimits } from "../limits.ts";
import type { CreateOptions } from "../task-api-client.ts";
import { betaHeader } from "./beta-features.ts";
import type { IdempotencySupport } from "./idempotency-support.ts";
import type { RateLimiter } from "./rate-limiter.ts";

/** A POST that creates runs, or a group for them. */
interface CreateCall {
  path: string;
  body: unknown;
  /** The runs it creates. */
  inputs: readonly RunInput[];
  subject: Subject;
  timeoutMs: number;
}

/**
 * Sends a create request with the beta features its runs use. Waits until it fits the account's quota, and repeats it
 * only when that cannot create anything twice.
 */
export type SendCreate = <T>(
  call: CreateCall,
  schema: ResponseSchema<T>,
  options: CreateOptions,
) => Promise<T>;

export function createSendCreate({
  http,
  rateLimiter,
  idempotency,
  betas,
  clock,
}: {
  http: TaskApiHttp;
  clock: Clock;
  rateLimiter: RateLimiter;
  idempotency: IdempotencySupport;
  /** Sent with every call that creates runs. */
  betas: readonly string[];
}): SendCreate {
  /** Whether a create with a key may be sent again; false if the backend cannot be asked. */
  async function mayRepeat(signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return await idempotency.ask(signal);
    } catch (error) {
      if (error instanceof TaskApiError) return false;
      throw error;
    }
  }

  /** Waits for room in the quota, but no longer than the caller of a create waits for an answer. */
  async function holdBack(count: number, signal: AbortSignal | undefined): Promise<void> {
    if (rateLimiter.takeNow(count)) return;
    try {
      await withDeadline(clock, ClientLimits.holdMaxMs, signal, (limited) =>
        rateLimiter.take(count, limited),
      );
    } catch (error) {
      if (!(error instanceof DeadlinePassed)) throw error;
      throw new RateLimited("The account's quota of new runs a minute is used up.", {
        retryAfterMs: ClientLimits.quotaWindowMs - ClientLimits.holdMaxMs,
      });
    }
  }

  return async ({ path, body, inputs, subject, timeoutMs }, schema, options) => {
    const { signal, idempotencyKey: key } = options;
    if (key !== undefined) checkKey(key);
    const call = {
      method: "POST" as const,
      path,
      body: jsonText(body),
      headers: {
        ...(inputs.length > 0 && betaHeader(betas, inputs)),
        ...(key !== undefined && { "idempotency-key": key }),
      },
      subject,
      secrets: headerSecrets(inputs),
      // An empty group too many costs nothing.
      repeatable: inputs.length === 0 ? true : key === undefined ? false : mayRepeat,
      isAnswerVital: true,
      timeoutMs,
    };
    if (inputs.length > 0) await holdBack(inputs.length, signal);
    return http.read(call, schema, signal);
  };
}

/**
 * The header values that runs give to their MCP servers. A backend may quote a rejected request, and these values with
 * it.
 */
export function headerSecrets(inputs: readonly RunInput[]): string[] {
  return secretsIn(
    inputs.flatMap(({ mcp_servers: servers }) =>
      (servers ?? []).flatMap(({ headers }) => Object.values(headers ?? {})),
    ),
  );
}

/**
 * Checked here, because an HTTP library would reject a bad header value with an error that looks like a lost
 * connection.
 */
function checkKey(key: string): void {
  const max = ClientLimits.idempotencyKeyMaxChars;
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= max) return;
  const msg = `use 1 to ${max} letters, digits and punctuation marks of ASCII, without spaces`;
  throw new InvalidRequest("The idempotency key cannot be sent; nothing was.", {
    problems: [{ type: "header_invalid", loc: ["header", "idempotency-key"], msg }],
  });
}
