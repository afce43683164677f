import type { ServerResponse } from "node:http";
import { type Logger, pino } from "pino";
import type { Database } from "../../src/database/open-database.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { createGuardedFetch } from "../../src/engine/outgoing/guarded-fetch.ts";
import type { RunStore } from "../../src/engine/runs/run-store.ts";
import {
  type WebhookDelivery,
  startWebhookDelivery,
} from "../../src/engine/webhooks/deliver-webhooks.ts";
import { readWebhookSecret } from "../../src/engine/webhooks/webhook-secret.ts";
import { startLoopbackServer } from "../client/loopback-server.ts";
import { onFinished } from "../on-finished.ts";
import { openRunStore } from "./open-run-store.ts";
import { silentLog, textResult } from "./start-test-engine.ts";

/** Where the receivers of tests listen. */
export const LOOPBACK = ["127.0.0.1/32"];

/** A webhook as it arrived. */
export interface Received {
  headers: Record<string, string>;
  body: string;
}

export interface Receiver {
  url: string;
  received: Received[];
  /** Resolves once `count` webhooks have arrived. */
  until(count: number): Promise<void>;
}

/** A real receiver of webhooks; `answer` answers the n-th, counted from 1, when it has arrived whole. */
export async function startReceiver(
  answer: (response: ServerResponse, n: number) => void = (response) => response.end(),
): Promise<Receiver> {
  const received: Received[] = [];
  const arrivals = createConditions();
  const server = await startLoopbackServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      received.push({ headers, body });
      answer(response, received.length);
      arrivals.look();
    });
  });
  return {
    url: `${server.url}/hook`,
    received,
    until: (count) => arrivals.until(() => received.length >= count),
  };
}

/** An answer with a status and nothing else. */
export const status = (code: number) => (response: ServerResponse) => {
  response.statusCode = code;
  response.end();
};

export interface TestLog {
  log: Logger;
  /** Every line so far, as it is written. */
  lines: string[];
  /** Resolves once `count` lines have this message. */
  until(message: string, count?: number): Promise<void>;
}

/** A log whose lines a test can read and wait for. */
export function createTestLog(): TestLog {
  const lines: string[] = [];
  const writes = createConditions();
  const log = pino(
    { level: "trace" },
    {
      write(line) {
        lines.push(line);
        writes.look();
      },
    },
  );
  return {
    log,
    lines,
    until: (message, count = 1) =>
      writes.until(() => lines.filter((line) => JSON.parse(line).msg === message).length >= count),
  };
}

function createConditions() {
  const waiting = new Set<() => void>();
  return {
    look() {
      for (const check of waiting) check();
    },
    until: (condition: () => boolean) =>
      new Promise<void>((resolve) => {
        const check = () => {
          if (!condition()) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}

/** The store of an engine without its worker, so that a test decides when runs end. */
export async function openOutbox(databasePath: string, clock: Clock) {
  const { db, runs } = await openRunStore(databasePath, clock);

  /** A run that has completed, with a webhook for each URL. */
  async function completeRun(url: string | undefined, taskgroupId: string | null = null) {
    const executorKey = "test";
    const input = {
      input: "What was the GDP of France in 2023?",
      processor: "base",
      metadata: { asked_by: "a test" },
      ...(url !== undefined && {
        webhook: { url, event_types: ["task_run.status" as const] },
      }),
    };
    await runs.accept([{ input, tenantId: "default", taskgroupId, executorKey, warnings: [] }]);
    const [claimed] = await runs.claim({ executorKey, owner: "me", leaseMs: 30_000, limit: 1 });
    if (claimed === undefined) throw new Error("nothing to claim");
    await runs.finish(claimed, { status: "completed", ...textResult("the answer") });
    return claimed.runId;
  }

  return { db, runs, clock, completeRun };
}

/** Delivers what is in an outbox to receivers on this machine, until the test ends. */
export function deliver(
  { runs, clock }: { runs: RunStore; clock: Clock },
  {
    secrets = [],
    allowNetworks = LOOPBACK,
    log = silentLog,
  }: { secrets?: string[]; allowNetworks?: string[]; log?: Logger } = {},
): WebhookDelivery {
  const outgoing = createGuardedFetch({ allowNetworks, log });
  const delivery = startWebhookDelivery({
    queue: runs.deliveries,
    changes: runs.changes,
    clock,
    fetch: outgoing.fetch,
    secrets: secrets.map(readWebhookSecret),
    log,
  });
  onFinished(async () => {
    await delivery.stop();
    await outgoing.close();
  });
  return delivery;
}

/** The only row of the outbox. */
export async function readOnlyDelivery(db: Database) {
  return db.selectFrom("webhook_deliveries").selectAll().executeTakeFirstOrThrow();
}
