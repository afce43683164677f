import type { Logger } from "pino";
import type { Database } from "../../database/open-database.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { FetchFromRun } from "../outgoing/guarded-fetch.ts";
import type { ChangeFeed } from "../runs/change-feed.ts";
import { DELIVERY_POLICY, nextAttemptMs } from "./delivery-policy.ts";
import { type Delivery, createDeliveryQueue, receiverOf } from "./delivery-queue.ts";
import { sendWebhook } from "./send-webhook.ts";
import { type WebhookSecret, createSigner } from "./webhook-secret.ts";

/** How attempts of this process ended so far. */
export interface WebhookCounts {
  delivered: number;
  /** Failed attempts that another one follows. */
  retried: number;
  /** Webhooks that will never be delivered. */
  givenUp: number;
}

/** Delivers the webhooks of the outbox until it is stopped. */
export interface WebhookDelivery {
  readonly counts: Readonly<WebhookCounts>;
  /** Gives webhooks that are being sent back to the outbox, and resolves when none is being sent any more. */
  stop(): Promise<void>;
}

/** Runs change in bursts: one look at the outbox for all changes of a moment, which no receiver will notice. */
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
 * the webhooks are not signed.
 */
export function startWebhookDelivery({
  db,
  feed,
  clock,
  fetch,
  secrets,
  log,
}: {
  db: Database;
  feed: ChangeFeed;
  clock: Clock;
  fetch: FetchFromRun;
  secrets: readonly WebhookSecret[];
  log: Logger;
}): WebhookDelivery {
  const queue = createDeliveryQueue(db);
  const sign = createSigner(secrets);
  const counts: WebhookCounts = { delivered: 0, retried: 0, givenUp: 0 };
  const underWay = new Set<{ receiver: string; abort: AbortController; done: Promise<void> }>();
  const stopping = new AbortController();
  let rest = new AbortController();
  let lookIsPlanned = false;

  async function work(): Promise<void> {
    while (!stopping.signal.aborted) {
      // From here on a wake-up ends the rest before it begins: what it tells may be too new for this look.
      rest = new AbortController();
      const nextMs = await startDue().catch((error: unknown) => {
        log.warn({ err: error }, "could not look for webhooks to send; trying again");
        return clock.now() + RECOVERY_MS;
      });
      const restMs = Math.min(nextMs - clock.now(), MAX_REST_MS);
      if (restMs > 0) await sleepUntil(rest.signal, restMs);
    }
  }

  /** Sleeps for `ms`, or until the signal aborts. */
  async function sleepUntil(signal: AbortSignal, ms: number): Promise<void> {
    try {
      await clock.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  function wake(): void {
    rest.abort();
  }

  async function lookSoon(): Promise<void> {
    if (lookIsPlanned) return;
    lookIsPlanned = true;
    await sleepUntil(stopping.signal, LOOK_DELAY_MS);
    lookIsPlanned = false;
    wake();
  }

  /** Starts what is due, as far as there is room; answers when to look again, unless room appears before. */
  async function startDue(): Promise<number> {
    const nowMs = clock.now();
    while (!stopping.signal.aborted) {
      const busy = countByReceiver();
      const isFull = (receiver: string) =>
        (busy.get(receiver) ?? 0) >= DELIVERY_POLICY.atOncePerReceiver;
      const due = await queue.findDue({
        nowMs,
        except: [...busy.keys()].filter(isFull),
        limit: DELIVERY_POLICY.atOnce - underWay.size,
      });
      const webhookIds: string[] = [];
      for (const { webhookId, receiver } of due) {
        if (isFull(receiver)) continue;
        busy.set(receiver, (busy.get(receiver) ?? 0) + 1);
        webhookIds.push(webhookId);
      }
      if (webhookIds.length === 0) return (await queue.nextDueMs(nowMs)) ?? Infinity;
      const untilMs = clock.now() + DELIVERY_POLICY.leaseMs;
      for (const delivery of await queue.claim(webhookIds, { nowMs, untilMs })) start(delivery);
    }
    return Infinity;
  }

  function countByReceiver(): Map<string, number> {
    const counted = new Map<string, number>();
    for (const { receiver } of underWay) {
      counted.set(receiver, (counted.get(receiver) ?? 0) + 1);
    }
    return counted;
  }

  function start(delivery: Delivery): void {
    const abort = new AbortController();
    // Claimed while the engine was told to stop: it goes straight back.
    if (stopping.signal.aborted) abort.abort(stopping.signal.reason);
    const done = attempt(delivery, abort.signal).finally(() => {
      underWay.delete(sending);
      wake();
    });
    const sending = { receiver: receiverOf(delivery.url), abort, done };
    underWay.add(sending);
  }

  async function attempt(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { webhookId, runId, attempts, url } = delivery;
    // The path and the query of a webhook URL are often a secret of its receiver.
    const facts = { webhook_id: webhookId, run_id: runId, attempts, host: new URL(url).host };
    try {
      const result = await sendWebhook(delivery, { fetch, sign, clock, signal });
      if (result.delivered) {
        await queue.markDelivered(delivery);
        counts.delivered += 1;
        log.debug(facts, "webhook delivered");
        return;
      }
      const { problem } = result;
      const atMs = result.isFinal ? null : nextAttemptMs(delivery, clock.now());
      if (atMs === null) {
        await queue.giveUp(delivery, problem);
        counts.givenUp += 1;
        log.warn({ ...facts, problem }, "webhook given up");
      } else {
        await queue.retryAt(delivery, atMs, problem);
        counts.retried += 1;
        log.info({ ...facts, problem }, "webhook not delivered; trying again");
      }
    } catch (error) {
      if (signal.aborted) await giveBack(delivery);
      // Its lease expires, and another attempt follows.
      else log.error({ ...facts, err: error }, "could not send a webhook or record how it went");
    }
  }

  async function giveBack(delivery: Delivery): Promise<void> {
    await queue.release(delivery, clock.now()).catch((error: unknown) => {
      log.warn({ err: error, webhook_id: delivery.webhookId }, "could not give a webhook back");
    });
  }

  const unsubscribe = feed.subscribeToAll(() => void lookSoon());
  const working = work();

  return {
    counts,
    async stop() {
      unsubscribe();
      stopping.abort(new DeliveryStopping());
      wake();
      for (const { abort } of underWay) abort.abort(stopping.signal.reason);
      await working;
      await Promise.all([...underWay].map(({ done }) => done));
    },
  };
}
