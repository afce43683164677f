import type { Logger } from "pino";
import { systemClock } from "../../runtime/clock.ts";
import type { BackendConfig, BridgeConfig } from "../../config.ts";
import { type OpenCall, createCallContext } from "../../mcp/runs/call-context.ts";
import type { ProgressReporter } from "../../mcp/runs/progress.ts";
import { defaultWaitPolicy } from "../../mcp/runs/wait-policy.ts";
import type { OpenBackend } from "../wiring/open-backend.ts";
import { createProgressView } from "../terminal/progress-view.ts";

/** What every command about runs that were started gets. */
export interface RunsContext {
  backend: BackendConfig;
  bridge: BridgeConfig;
  version: string;
  log: Logger;
  signal: AbortSignal;
  /** Options with which another command finds the same runs. */
  lookupOptions: readonly string[];
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
}

/**
 * A call of the tools that a person makes on the command line. It does not ask the backend for its prices, because most
 * commands show none; a tool does when it opens the call.
 */
export function openCall(
  backend: OpenBackend,
  { bridge, log, signal }: Pick<RunsContext, "bridge" | "log" | "signal">,
  startProgress?: () => ProgressReporter,
): OpenCall {
  const services = {
    async openBackend() {
      await backend.prices.settled();
      return backend;
    },
    defaultProcessor: bridge.defaultProcessor ?? "base",
    webhook: undefined,
    budgetUsdPerDay: bridge.budgetUsdPerDay,
    ownBudgetUsdPerDay: undefined,
    waitPolicy: defaultWaitPolicy,
    clock: systemClock,
    shutdownSignal: undefined,
  };
  const context = createCallContext(services, { signal, log: () => log, startProgress });
  return { ...context, backend };
}

/** Draws the progress of a run. */
export function drawProgress(stream: NodeJS.WritableStream): ProgressReporter {
  const view = createProgressView(stream);
  return {
    update({ done, total, step }) {
      view.update({ percent: total === 0 ? 0 : (100 * done) / total, message: step });
    },
    async finish() {},
    stop: () => view.end(),
  };
}
