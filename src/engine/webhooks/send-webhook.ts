import type { Clock } from "../../runtime/clock.ts";
import type { FetchFromRun } from "../outgoing/guarded-fetch.ts";
import {
  AddressRefused,
  OutgoingRequestError,
  RequestInvalid,
} from "../outgoing/outgoing-errors.ts";
import type { Delivery } from "../runs/delivery-queue.ts";
import { DELIVERY_POLICY } from "./delivery-policy.ts";
import type { SignWebhook } from "./webhook-secret.ts";

/** How one attempt ended. `isFinal`: no later attempt could end better. */
export type AttemptResult =
  | { delivered: true }
  | { delivered: false; problem: string; isFinal: boolean };

class AttemptTimedOut extends Error {
  override readonly name = "AttemptTimedOut";
}

/**
 * Sends a webhook once. Any 2xx is an acknowledgement, whatever its body; a redirect is not followed. Rejects with the
 * reason of `signal`, and with what is no failure of the receiver. Source: Task API, "Delivery headers"; Standard
 * Webhooks.
 */
export async function sendWebhook(
  { webhookId, url, body }: Delivery,
  {
    fetch,
    sign,
    clock,
    signal,
  }: { fetch: FetchFromRun; sign: SignWebhook; clock: Clock; signal: AbortSignal },
): Promise<AttemptResult> {
  // A receiver rejects old timestamps, so each attempt has its own.
  const at = new Date(clock.now());
  const signature = sign(webhookId, at, body);
  const time = limitTime(clock, signal);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "task-run-mcp",
        "webhook-id": webhookId,
        "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
        ...(signature !== null && { "webhook-signature": signature }),
      },
      body,
      signal: time.signal,
    });
    // The status is the whole answer; how the rest of it ends changes nothing.
    await response.body?.cancel().catch(() => undefined);
    return readStatus(response.status);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AttemptTimedOut || error instanceof OutgoingRequestError) {
      const isFinal = error instanceof AddressRefused || error instanceof RequestInvalid;
      return { delivered: false, problem: error.message, isFinal };
    }
    throw error;
  } finally {
    time.end();
  }
}

function readStatus(status: number): AttemptResult {
  if (status >= 200 && status < 300) return { delivered: true };
  if (status === 410) {
    return { delivered: false, problem: "the receiver is gone (status 410)", isFinal: true };
  }
  const what = status >= 300 && status < 400 ? "redirected, which is not followed" : "answered";
  return { delivered: false, problem: `the receiver ${what} (status ${status})`, isFinal: false };
}

/** A signal that also aborts when an attempt has taken too long; `end` stops the clock. */
function limitTime(clock: Clock, outer: AbortSignal): { signal: AbortSignal; end(): void } {
  const ended = new AbortController();
  const timedOut = new AbortController();
  const { attemptMs } = DELIVERY_POLICY;
  clock.sleep(attemptMs, ended.signal).then(
    () => timedOut.abort(new AttemptTimedOut(`no answer within ${attemptMs / 1_000} s`)),
    // The sleep rejects only when `end` is called.
    () => undefined,
  );
  return { signal: AbortSignal.any([outer, timedOut.signal]), end: () => ended.abort() };
}
