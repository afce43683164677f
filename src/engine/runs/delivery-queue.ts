/** A webhook that this process is to send now, and no other. */
export interface Delivery {
  webhookId: string;
  runId: string;
  url: string;
  body: string;
  /** How often it was claimed, this time included. With the id it fences every write about a failed attempt. */
  attempts: number;
  createdMs: number;
}

export interface DueWebhook {
  webhookId: string;
  receiver: string;
}

/**
 * The outbox of webhooks as a queue that several processes share. A webhook is added in the same transaction as the
 * ending that it reports. A claim is a lease: when it expires, the webhook is due again.
 */
export interface DeliveryQueue {
  /** The webhooks due at `nowMs`, the longest waiting first, without those for the receivers in `except`. */
  findDue(query: {
    nowMs: number;
    except: readonly string[];
    limit: number;
  }): Promise<DueWebhook[]>;
  /** Takes those of the webhooks, due at `nowMs`, that no other process took in the meantime. */
  claim(
    webhookIds: readonly string[],
    lease: { nowMs: number; untilMs: number },
  ): Promise<Delivery[]>;
  /** When the first webhook after `nowMs` is due; undefined when none waits. */
  nextDueMs(nowMs: number): Promise<number | undefined>;
  /** The receiver has it, also when another process holds it by now. */
  markDelivered(delivery: Delivery): Promise<void>;
  retryAt(delivery: Delivery, atMs: number, problem: string): Promise<void>;
  giveUp(delivery: Delivery, problem: string): Promise<void>;
  /** Gives an unfinished attempt back, because the process ends: it does not count, and is due at once. */
  release(delivery: Delivery, nowMs: number): Promise<void>;
}

/** The receiver of a URL: scheme, host and port, with a slash at the end, so that it is a prefix of the URL. */
export function receiverOf(url: string): string {
  return new URL("/", url).href;
}
