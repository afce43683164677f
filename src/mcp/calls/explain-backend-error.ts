import {
  GroupNotFound,
  RunNotFound,
  type TaskApiError,
  type TaskApiErrorCode,
} from "../../client/errors.ts";
import { PROCESSORS } from "../../task-api/processors.ts";
import type { JsonObject } from "../../task-api/task-spec.ts";
import { callText, callWithId, oneLine } from "../report/text.ts";
import { didYouMean } from "../runs/meant-processor.ts";

/** The call that failed. */
export interface FailedCall {
  tool: string;
  args: JsonObject;
}

interface BackendExplanation {
  /** The summary; by default the error's own message. */
  summary?: string;
  nextStep: string;
}

/** Tools that start what may cost money. */
export function isCreate(tool: string): boolean {
  return tool === "create_task_run" || tool === "create_task_group";
}

/**
 * What an answer of the backend, or a missing answer, means for the agent, by error code. Two errors never come here: a
 * create with an unknown outcome is an `OutcomeUnknown`, and the cancel tools handle a backend that cannot cancel.
 * Source: Task API, "Errors".
 */
const EXPLANATIONS: Readonly<
  Record<TaskApiErrorCode, (error: TaskApiError, call: FailedCall) => BackendExplanation>
> = {
  unauthorized: () => ({
    nextStep:
      "Ask the user to set PARALLEL_API_KEY to a valid key in this server's configuration and to restart it.",
  }),
  insufficient_credit: (_error, { tool }) => ({
    nextStep: `Ask the user to add credit, or call ${tool} with a cheaper processor.`,
  }),
  processor_refused: (_error, { tool, args }) => ({
    summary: "The backend refused the processor; no run was started.",
    nextStep: `${didYouMean(args["processor"])}Call ${tool} again with a processor the backend has. Known ones: ${KNOWN_PROCESSORS}; -fast variants exist.`,
  }),
  forbidden: () => ({
    nextStep: "Tell the user: the account of this server lacks the permission.",
  }),
  run_not_found: (error) => ({
    summary: `No run ${idOf(error)} is known to the backend.`,
    nextStep:
      "Use the run_id exactly as create_task_run returned it; do not guess one. A run of another account, or one past its retention, cannot be read.",
  }),
  group_not_found: (error) => ({
    summary: `No task group ${idOf(error)} is known to the backend.`,
    nextStep:
      "Use the taskgroup_id exactly as create_task_group returned it; do not guess one. A group of another account cannot be read.",
  }),
  run_still_active: (_error, call) => ({
    nextStep: `Call ${repeat(call)} to read it when it is done.`,
  }),
  turned_away_by_gateway: ({ status }, call) => {
    const nothing = isCreate(call.tool)
      ? "No run was started: a request that is turned away is not carried out."
      : "It says nothing about the run or the key; runs that were started go on.";
    const signIn = status === 401 ? " A proxy on the way may want a sign-in of its own." : "";
    return {
      nextStep: `${nothing} Tell the user to check the base URL and what is between this server and the backend (proxy, firewall, VPN).${signIn} Then call ${repeat(call)}.`,
    };
  },
  request_too_large: (_error, { tool }) => ({
    nextStep: `Nothing was started. Shorten the input, and call ${tool} again.`,
  }),
  request_rejected: explainRejection,
  invalid_request: explainRejection,
  rate_limited: ({ retryAfterMs }, call) => ({
    nextStep: `${whatStands(call.tool)} Wait ${secondsText(retryAfterMs)}, then call ${repeat(call)}.`,
  }),
  backend_failed: explainSilence,
  backend_unreachable: explainSilence,
  backend_timed_out: explainSilence,
  unreadable_answer: explainSilence,
  cancel_not_supported: explainSilence,
  group_cancel_not_supported: explainSilence,
  evidence_not_supported: () => ({
    summary: "This backend keeps no passages of the run to read.",
    nextStep: `Use the answer and its citations: ${callWithId("get_task_run")} and without passage.`,
  }),
};

export function explainBackendError(
  error: TaskApiError,
  call: FailedCall,
): { summary: string; nextStep: string } {
  return { summary: error.message, ...EXPLANATIONS[error.code](error, call) };
}

const KNOWN_PROCESSORS = PROCESSORS.flatMap(({ name }) =>
  name.endsWith("-fast") ? [] : [name],
).join(", ");

function explainRejection({ message }: TaskApiError, { tool }: FailedCall): BackendExplanation {
  return {
    summary: isCreate(tool) ? `${message} No run was started.` : message,
    nextStep: `Correct what the backend objects to and call ${tool} again.`,
  };
}

function explainSilence({ retryAfterMs }: TaskApiError, call: FailedCall): BackendExplanation {
  return {
    nextStep: `${whatStands(call.tool)} Wait ${secondsText(retryAfterMs)}, then call ${repeat(call)}. If it fails again, tell the user that the backend cannot be reached.`,
  };
}

function idOf(error: TaskApiError): string {
  if (error instanceof RunNotFound) return oneLine(error.runId, 100);
  return error instanceof GroupNotFound ? oneLine(error.taskgroupId, 100) : "of this id";
}

function whatStands(tool: string): string {
  if (isCreate(tool)) return "No run was started.";
  if (tool === "cancel_task_run" || tool === "cancel_task_group") {
    return "It is not known whether anything is being cancelled; asking again is safe.";
  }
  return "Runs that were started go on.";
}

/** The same call again. The arguments of a create are long and may hold secrets, so they are not repeated. */
function repeat({ tool, args }: FailedCall): string {
  return isCreate(tool) ? `${tool} with the same arguments` : callText(tool, args);
}

function secondsText(ms: number | null): string {
  return ms === null ? "a moment" : `${Math.max(1, Math.ceil(ms / 1_000))} s`;
}
