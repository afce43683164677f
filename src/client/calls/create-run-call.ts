import type { RunInput } from "../../task-api/run-input.ts";
import { jsonText } from "../../text/json.ts";
import type { Subject } from "../http/parse-error-response.ts";
import type { TaskApiHttp } from "../http/http-core.ts";
import { betaFeatures, betaHeader } from "./beta-features.ts";
import type { Contract } from "../http/schema.ts";
import type { Clock } from "../../runtime/clock.ts";
import { startDeadline } from "../../runtime/deadline.ts";
import { InvalidRequest, RateLimited, TaskApiError } from "../errors.ts";
import type { IdempotencySupport } from "./idempotency-support.ts";
import { ClientLimits } from "../limits.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import { headerSecrets } from "../http/secrets.ts";
import type { CreateOptions } from "../task-api-client.ts";

/** A POST that brings something into being. */
interface Submission {
  path: string;
  body: unknown;
  /** The runs it creates. */
  inputs: readonly RunInput[];
  subject: Subject;
  timeoutMs: number;
}

/**
 * Sends a submission: held back until it fits the account's quota, with the beta features its runs use, and repeated
 * only when that cannot create anything twice.
 */
export type Submit = <T>(
  submission: Submission,
  contract: Contract<T>,
  options: CreateOptions,
) => Promise<T>;

export function createSubmit({
  backend,
  pacer,
  support,
  betas,
  clock,
}: {
  backend: TaskApiHttp;
  clock: Clock;
  pacer: RateLimiter;
  support: IdempotencySupport;
  /** Sent with every submission that creates runs. */
  betas: readonly string[];
}): Submit {
  /** Whether a submission with a key may be sent again. A question that has no answer is no yes. */
  async function mayRepeat(signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return await support.ask(signal);
    } catch (error) {
      if (error instanceof TaskApiError) return false;
      throw error;
    }
  }

  /** Waits for room in the quota, but no longer than somebody who asked for a run does. */
  async function holdBack(count: number, signal: AbortSignal | undefined): Promise<void> {
    if (pacer.takeNow(count)) return;
    const hold = startDeadline({ clock, ms: ClientLimits.holdMaxMs, signal });
    try {
      await pacer.take(count, hold.signal);
    } catch (error) {
      if (!hold.hasPassed()) throw error;
      throw new RateLimited("The account's quota of new runs a minute is used up.", {
        retryAfterMs: ClientLimits.quotaWindowMs - ClientLimits.holdMaxMs,
      });
    } finally {
      hold.clear();
    }
  }

  return async ({ path, body, inputs, subject, timeoutMs }, contract, options) => {
    const { signal, idempotencyKey: key } = options;
    if (key !== undefined) checkKey(key);
    const features = inputs.length === 0 ? [] : [...inputs.flatMap(betaFeatures), ...betas];
    const call = {
      method: "POST" as const,
      path,
      body: jsonText(body),
      headers: {
        ...betaHeader(features),
        ...(key === undefined ? {} : { "idempotency-key": key }),
      },
      subject,
      secrets: headerSecrets(inputs),
      // An empty group too many costs nothing.
      repeatable: inputs.length === 0 ? true : key === undefined ? false : mayRepeat,
      isAnswerVital: true,
      timeoutMs,
    };
    if (inputs.length > 0) await holdBack(inputs.length, signal);
    return backend.read(call, contract, signal);
  };
}

/** Checked here, because an HTTP library would refuse a bad header value in a way that looks like a lost connection. */
function checkKey(key: string): void {
  const max = ClientLimits.idempotencyKeyMaxChars;
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= max) return;
  const msg = `use 1 to ${max} letters, digits and punctuation marks of ASCII, without spaces`;
  throw new InvalidRequest("The idempotency key cannot be sent; nothing was.", {
    problems: [{ type: "header_invalid", loc: ["header", "idempotency-key"], msg }],
  });
}
