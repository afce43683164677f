import type { Logger } from "pino";
import type { Clock } from "../../runtime/clock.ts";
import type { FetchFromRun } from "../outgoing/guarded-fetch.ts";
import type { ChangeFeed } from "../runs/change-feed.ts";
import { type Delivery, type DeliveryQueue, receiverOf } from "../runs/delivery-queue.ts";
import { isTerminalStatus } from "../../task-api/run.ts";
import { DELIVERY_POLICY, nextAttemptMs } from "./delivery-policy.ts";
import { sendWebhook } from "./send-webhook.ts";
import { type SignWebhook, type WebhookSecret, createSigner } from "./webhook-secret.ts";

/** Delivers the webhooks of the outbox until it is stopped. */
export interface WebhookDelivery {
  /** Gives webhooks that are being sent back to the outbox, and resolves when none is being sent any more. */
  stop(): Promise<void>;
}

/** Runs end in bursts. After this delay one poll of the outbox finds all of them; receivers do not notice it. */
const POLL_DELAY_MS = 50;
/**
 * Another process may stop without sending a webhook that it has claimed. Nothing signals that, so poll at least this
 * often for expired leases.
 */
const MAX_REST_MS = 60_000;
/** Pause after a database error. */
const RECOVERY_MS = 5_000;

class DeliveryStopping extends Error {
  override readonly name = "DeliveryStopping";
}

/**
 * Starts sending the webhooks of ended runs. Each is sent at least once, always with the same `webhook-id`, until it is
 * delivered or given up. Several processes may do this on one database: each attempt is made by one of them. Without
 * secrets the webhooks are not signed. A loop claims due webhooks and sends them, then rests until the next one is due,
 * a run ends, or a slot gets free.
 */
export function startWebhookDelivery({
  queue,
  changes,
  clock,
  fetch,
  secrets,
  log,
}: {
  queue: DeliveryQueue;
  changes: ChangeFeed;
  clock: Clock;
  fetch: FetchFromRun;
  secrets: readonly WebhookSecret[];
  log: Logger;
}): WebhookDelivery {
  const context = { queue, clock, fetch, sign: createSigner(secrets), log };
  const stopping = new AbortController();
  const rest = new Rest(clock);
  const sending = new Sending((delivery, signal) => attemptDelivery(delivery, signal, context));
  let pollIsPlanned = false;

  async function work(): Promise<void> {
    while (!stopping.signal.aborted) {
      rest.begin();
      const nextMs = await startDue().catch((error: unknown) => {
        log.warn({ err: error }, "could not look for webhooks to send; trying again");
        return clock.now() + RECOVERY_MS;
      });
      await rest.until(Math.min(nextMs, clock.now() + MAX_REST_MS));
    }
  }

  /**
   * Starts due webhooks while there are free slots. Resolves to the time of the next poll; a slot that gets free ends
   * the rest earlier.
   */
  async function startDue(): Promise<number> {
    const nowMs = clock.now();
    while (!stopping.signal.aborted) {
      const due = await queue.findDue({
        nowMs,
        except: sending.fullReceivers(),
        limit: sending.countFree(),
      });
      const webhookIds = sending.choose(due);
      if (webhookIds.length === 0) return (await queue.nextDueMs(nowMs)) ?? Infinity;
      const untilMs = clock.now() + DELIVERY_POLICY.leaseMs;
      for (const delivery of await queue.claim(webhookIds, { nowMs, untilMs })) {
        sending.start(delivery, () => rest.end());
        // Claimed after stop() was called: give it back at once.
        if (stopping.signal.aborted) sending.abort(stopping.signal.reason);
      }
    }
    return Infinity;
  }

  async function pollSoon(): Promise<void> {
    if (pollIsPlanned) return;
    pollIsPlanned = true;
    await clock.sleep(POLL_DELAY_MS, stopping.signal).catch(() => undefined);
    pollIsPlanned = false;
    rest.end();
  }

  const unsubscribe = changes.subscribeToAll((change) => {
    if (change?.status && isTerminalStatus(change.status)) void pollSoon();
  });
  const working = work();

  return {
    async stop() {
      unsubscribe();
      stopping.abort(new DeliveryStopping());
      rest.end();
      sending.abort(stopping.signal.reason);
      await working;
      await sending.settled();
    },
  };
}

/**
 * A pause that `end` cuts short. An `end` that comes between `begin` and `until` also counts: the work in between may
 * not have seen the event behind it.
 */
class Rest {
  readonly #clock: Clock;
  #ending = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(): void {
    this.#ending = new AbortController();
  }

  end(): void {
    this.#ending.abort();
  }

  async until(atMs: number): Promise<void> {
    const { signal } = this.#ending;
    const ms = atMs - this.#clock.now();
    if (ms <= 0) return;
    await this.#clock.sleep(ms, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

/** The attempts under way, and the free slots: limited in total and for each receiver. */
class Sending {
  readonly #attempt: (delivery: Delivery, signal: AbortSignal) => Promise<void>;
  readonly #underWay = new Set<{ receiver: string; abort: AbortController; done: Promise<void> }>();

  constructor(attempt: (delivery: Delivery, signal: AbortSignal) => Promise<void>) {
    this.#attempt = attempt;
  }

  countFree(): number {
    return DELIVERY_POLICY.atOnce - this.#underWay.size;
  }

  fullReceivers(): string[] {
    return [...this.#countByReceiver()].flatMap(([receiver, count]) =>
      count >= DELIVERY_POLICY.atOncePerReceiver ? [receiver] : [],
    );
  }

  /** The ids of the webhooks whose receivers have free slots. */
  choose(due: readonly { webhookId: string; receiver: string }[]): string[] {
    const counts = this.#countByReceiver();
    return due.flatMap(({ webhookId, receiver }) => {
      const count = counts.get(receiver) ?? 0;
      if (count >= DELIVERY_POLICY.atOncePerReceiver) return [];
      counts.set(receiver, count + 1);
      return [webhookId];
    });
  }

  start(delivery: Delivery, onSlotFree: () => void): void {
    const abort = new AbortController();
    const done = this.#attempt(delivery, abort.signal).finally(() => {
      this.#underWay.delete(attempt);
      onSlotFree();
    });
    const attempt = { receiver: receiverOf(delivery.url), abort, done };
    this.#underWay.add(attempt);
  }

  abort(reason: unknown): void {
    for (const { abort } of this.#underWay) abort.abort(reason);
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#underWay].map(({ done }) => done));
  }

  #countByReceiver(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { receiver } of this.#underWay) {
      counts.set(receiver, (counts.get(receiver) ?? 0) + 1);
    }
    return counts;
  }
}

interface AttemptContext {
  queue: DeliveryQueue;
  clock: Clock;
  fetch: FetchFromRun;
  sign: SignWebhook;
  log: Logger;
}

/** Sends a webhook once and records the outcome; gives the webhook back to the outbox when the signal aborts. */
async function attemptDelivery(
  delivery: Delivery,
  signal: AbortSignal,
  { queue, clock, fetch, sign, log }: AttemptContext,
): Promise<void> {
  const { webhookId, runId, attempts, url } = delivery;
  // The path and the query of a webhook URL are often a secret of its receiver.
  const facts = { webhook_id: webhookId, run_id: runId, attempts, host: new URL(url).host };
  try {
    const result = await sendWebhook(delivery, { fetch, sign, clock, signal });
    if (result.delivered) {
      await queue.markDelivered(delivery);
      log.debug(facts, "webhook delivered");
      return;
    }
    const { problem } = result;
    const atMs = result.isFinal ? null : nextAttemptMs(delivery, clock.now());
    if (atMs === null) {
      await queue.giveUp(delivery, problem);
      log.warn({ ...facts, problem }, "webhook given up");
    } else {
      await queue.retryAt(delivery, atMs, problem);
      log.info({ ...facts, problem }, "webhook not delivered; trying again");
    }
  } catch (error) {
    if (!signal.aborted) {
      // Its lease expires, and another attempt follows.
      log.error({ ...facts, err: error }, "could not send a webhook or record how it went");
      return;
    }
    await queue.release(delivery, clock.now()).catch((reason: unknown) => {
      log.warn({ err: reason, webhook_id: webhookId }, "could not give a webhook back");
    });
  }
}
