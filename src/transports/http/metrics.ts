import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** The metrics for Prometheus. No label identifies a principal. */
export interface HttpMetrics {
  countRequest(route: string, method: string, status: number): void;
  openCalls: { inc(): void; dec(): void };
  /** How long a call was open, most of which is waiting. */
  observeCall(seconds: number): void;
  countRateLimited(): void;
  countAuthFailure(kind: "missing" | "refused" | "scope"): void;
  /** Returns the metrics in the text format of Prometheus. */
  read(): Promise<{ contentType: string; text: string }>;
}

/** From a plain read to the longest wait that an operator can allow, an hour. */
const CALL_BUCKETS_SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 900, 3_600];

const METHODS: ReadonlySet<string> = new Set(["GET", "POST", "DELETE", "OPTIONS", "HEAD"]);

export function createHttpMetrics(connections: () => number): HttpMetrics {
  // Its own, not the library's global one: several servers may live in one process.
  const register = new Registry();
  const registers = [register];
  const requests = new Counter({
    name: "task_run_mcp_http_requests_total",
    help: "HTTP requests answered by this process",
    labelNames: ["route", "method", "status"],
    registers,
  });
  const openCalls = new Gauge({
    name: "task_run_mcp_open_calls",
    help: "MCP requests that are being answered, waits included",
    registers,
  });
  const callSeconds = new Histogram({
    name: "task_run_mcp_call_seconds",
    help: "How long MCP requests were open, waits included",
    buckets: CALL_BUCKETS_SECONDS,
    registers,
  });
  const rateLimitedRequests = new Counter({
    name: "task_run_mcp_rate_limited_total",
    help: "Requests that were refused because their principal made too many",
    registers,
  });
  const authFailures = new Counter({
    name: "task_run_mcp_auth_failures_total",
    help: "Requests without a token, with one that is not good, or with one that lacks a scope",
    labelNames: ["kind"],
    registers,
  });
  const connectionCount = new Gauge({
    name: "task_run_mcp_connections",
    help: "Open connections",
    registers,
  });

  return {
    countRequest(route, method, status) {
      // Methods come from outside: as labels they would be without number.
      requests.inc({ route, method: METHODS.has(method) ? method : "other", status });
    },
    openCalls,
    observeCall: (seconds) => callSeconds.observe(seconds),
    countRateLimited: () => rateLimitedRequests.inc(),
    countAuthFailure: (kind) => authFailures.inc({ kind }),
    async read() {
      connectionCount.set(connections());
      return { contentType: register.contentType, text: await register.metrics() };
    },
  };
}
