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

/** Runs end in bursts: one look at the outbox for all endings of a moment, which no receiver will notice. */
const LOOK_DELAY_MS = 50;
/** Another process may put back what it gave up; nothing tells of that but the time when its lease is over. */
const MAX_REST_MS = 60_000;
/** After the database failed. */
const RECOVERY_MS = 5_000;

class DeliveryStopping extends Error {
  override readonly name = "DeliveryStopping";
}

/**
 * Starts sending the webhooks of ended runs, each until it is delivered or given up, at least once, with the same
 * `webhook-id`. Several processes may do this on one database: each attempt is made by one of them. Without secrets
 * the webhooks are not signed. An endless loop claims what is due and sends it; between two rounds it rests until the
 * next webhook is due, a run ends, or a place gets free.
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
  let lookIsPlanned = false;

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

  /** Starts what is due, as far as there are places; resolves to when to look again, unless a place gets free before. */
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
        // Claimed after stop() was called: it goes straight back.
        if (stopping.signal.aborted) sending.abort(stopping.signal.reason);
      }
    }
    return Infinity;
  }

  async function lookSoon(): Promise<void> {
    if (lookIsPlanned) return;
    lookIsPlanned = true;
    await clock.sleep(LOOK_DELAY_MS, stopping.signal).catch(() => undefined);
    lookIsPlanned = false;
    rest.end();
  }

  const unsubscribe = changes.subscribeToAll((change) => {
    if (change?.status && isTerminalStatus(change.status)) void lookSoon();
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

/** A pause that others end. Between `begin` and `until` an end is kept: it may be too new for the work in between. */
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

/** The attempts under way, and the places left: some in all, and some for each receiver. */
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

  /** The ids of those for which their receivers have places. */
  choose(due: readonly { webhookId: string; receiver: string }[]): string[] {
    const counts = this.#countByReceiver();
    return due.flatMap(({ webhookId, receiver }) => {
      const count = counts.get(receiver) ?? 0;
      if (count >= DELIVERY_POLICY.atOncePerReceiver) return [];
      counts.set(receiver, count + 1);
      return [webhookId];
    });
  }

  start(delivery: Delivery, onPlaceFree: () => void): void {
    const abort = new AbortController();
    const done = this.#attempt(delivery, abort.signal).finally(() => {
      this.#underWay.delete(attempt);
      onPlaceFree();
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

/** Sends a webhook once and records how that ended; gives it back when the signal aborts. */
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
