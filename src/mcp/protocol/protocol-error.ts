import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import { explainError, isExpected } from "../calls/explain-error.ts";

/**
 * The error of a request that is not a tool call: what happened and what to do, in our words alone, because an error
 * object cannot mark untrusted text.
 */
export function toProtocolError(error: unknown, runId: string | null, log: Logger): ProtocolError {
  if (error instanceof ProtocolError) return error;
  if (isExpected(error)) {
    log.info({ error: error.name, reason: error.message }, "request failed");
  } else log.error({ err: error }, "request failed");
  const args = runId === null ? {} : { run_id: runId };
  const { summary, nextStep } = explainError(error, { tool: "get_task_run", args });
  return new ProtocolError(ProtocolErrorCode.InternalError, `${summary} ${nextStep}`);
}
