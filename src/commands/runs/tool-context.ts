import type { Logger } from "pino";
import { systemClock } from "../../runtime/clock.ts";
import type { BackendConfig, BridgeConfig } from "../../config.ts";
import { type ProgressReporter, silentProgress } from "../../mcp/runs/progress.ts";
import type { ToolContext } from "../../mcp/tool.ts";
import { defaultWaitPolicy, waitLimitsOf } from "../../mcp/runs/wait-policy.ts";
import type { OpenBackend } from "../wiring/open-backend.ts";
import { createProgressView } from "../terminal/progress-view.ts";

/** What every command about runs that were started gets. */
export interface RunsContext {
  backend: BackendConfig;
  bridge: BridgeConfig;
  version: string;
  log: Logger;
  signal: AbortSignal;
  /** The options by which another command meets the same runs. */
  repeatedOptions: readonly string[];
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
}

/** What a tool has at hand when a person, not an agent, asks. */
export function createToolContext(
  backend: OpenBackend,
  { bridge, log, signal }: Pick<RunsContext, "bridge" | "log" | "signal">,
  startProgress: () => ProgressReporter = () => silentProgress,
): ToolContext {
  return {
    async openBackend() {
      await backend.prices.settled();
      return backend;
    },
    defaultProcessor: bridge.defaultProcessor ?? "base",
    webhook: undefined,
    budgetUsdPerDay: bridge.budgetUsdPerDay,
    ownBudgetUsdPerDay: undefined,
    waits: waitLimitsOf(defaultWaitPolicy, undefined),
    clock: systemClock,
    log: () => log,
    callerLeft: signal,
    draining: undefined,
    startProgress,
  };
}

/** Draws how a run gets on. */
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
