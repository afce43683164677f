import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { RunStatus } from "../task-api/run.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Executor } from "./executors/executor.ts";
import type { RunStore } from "./runs/run-store.ts";

/**
 * The metrics of an engine for Prometheus. The state of runs and webhooks is read from the database, so it is the same
 * from every process that shares it. The work of a process (requests, streams, executions) is counted per process, to
 * be summed up. No label identifies a tenant.
 */
export interface Metrics {
  countRequest(method: string, endpoint: string | undefined, status: number): void;
  openStreams: { inc(): void; dec(): void };
  /** The same executor, timed. */
  measure(executor: Executor): Executor;
  /** Everything, in the text format of Prometheus. */
  read(): Promise<{ contentType: string; text: string }>;
}

/**
 * From a search in a small folder to the longest processors, which take up to two hours. Source: Task API, section 7.
 */
const EXECUTION_BUCKETS_SECONDS = [
  0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 180, 600, 1_800, 3_600, 7_200,
];

export function createMetrics({ runs: store, clock }: { runs: RunStore; clock: Clock }): Metrics {
  // Its own, not the library's global one: several engines may live in one process.
  const register = new Registry();
  const registers = [register];

  const requests = new Counter({
    name: "task_run_http_requests_total",
    help: "HTTP requests answered by this process",
    labelNames: ["method", "route", "status"],
    registers,
  });
  const openStreams = new Gauge({
    name: "task_run_open_streams",
    help: "Event streams open in this process",
    registers,
  });
  const executions = new Histogram({
    name: "task_run_execution_seconds",
    help: "How long this process worked on a run, by processor and outcome (completed, failed, stopped)",
    labelNames: ["processor", "outcome"],
    buckets: EXECUTION_BUCKETS_SECONDS,
    registers,
  });

  const runs = new Gauge({
    name: "task_runs",
    help: "Runs in the database by status",
    labelNames: ["status"],
    registers,
  });
  const oldestQueued = new Gauge({
    name: "task_run_oldest_queued_seconds",
    help: "Age of the oldest run that is queued; 0 when none is",
    registers,
  });
  const webhooks = new Gauge({
    name: "task_run_webhook_deliveries",
    help: "Webhook deliveries in the database by outcome (pending, delivered, given_up)",
    labelNames: ["outcome"],
    registers,
  });

  async function readDatabase(): Promise<void> {
    const counts = await store.countAll();
    for (const status of RunStatus.options) runs.set({ status }, counts.runs.get(status) ?? 0);
    const { oldestQueuedAt } = counts;
    const ageMs = oldestQueuedAt === undefined ? 0 : clock.now() - Date.parse(oldestQueuedAt);
    oldestQueued.set(Math.max(0, ageMs / 1_000));
    for (const [outcome, count] of Object.entries(counts.deliveries))
      webhooks.set({ outcome }, count);
  }

  let reading: Promise<void> | undefined;

  return {
    countRequest(method, endpoint, status) {
      // Paths and methods that are not served come from outside: as labels they would be unbounded.
      const isServed = endpoint !== undefined && status !== 405;
      const route = endpoint?.replaceAll(/:(\w+)/g, "{$1}") ?? "unknown";
      requests.inc({ method: isServed ? method : "unknown", route, status });
    },
    openStreams,
    measure: (executor) => ({
      key: executor.key,
      async execute(attempt) {
        const startedMs = clock.elapsedMs();
        let outcome = "failed";
        try {
          const result = await executor.execute(attempt);
          outcome = "completed";
          return result;
        } finally {
          if (attempt.signal.aborted) outcome = "stopped";
          const { processor } = attempt.input;
          executions.observe({ processor, outcome }, (clock.elapsedMs() - startedMs) / 1_000);
        }
      },
    }),
    async read() {
      // However many ask at once, the runs are counted once.
      reading ??= readDatabase().finally(() => (reading = undefined));
      await reading;
      return { contentType: register.contentType, text: await register.metrics() };
    },
  };
}
