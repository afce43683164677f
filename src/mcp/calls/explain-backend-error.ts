import {
  BackendFailed,
  Forbidden,
  GroupNotFound,
  InsufficientCredit,
  ProcessorRefused,
  RateLimited,
  RequestRejected,
  RequestTooLarge,
  RunNotFound,
  RunStillActive,
  type TaskApiError,
  TurnedAwayByGateway,
  Unauthorized,
} from "../../client/errors.ts";
import { PROCESSORS } from "../../task-api/processors.ts";
import type { Explanation, FailedCall } from "./explanation.ts";
import { didYouMean } from "../runs/meant-processor.ts";
import { callText, oneLine } from "../report/text.ts";

/** Tools that start what may cost money. */
export function isCreate(tool: string): boolean {
  return tool === "create_task_run" || tool === "create_task_group";
}

/**
 * What the backend's answer, or its silence, means for the caller. A create whose outcome is unknown is not among these
 * errors: see `OutcomeUnknown`. Source: Task API, "Errors".
 */
export function explainBackendError(
  error: TaskApiError,
  call: FailedCall,
): Pick<Explanation, "summary" | "nextStep"> {
  const summary = error.message;
  if (error instanceof Unauthorized) {
    return {
      summary,
      nextStep:
        "Ask the user to set PARALLEL_API_KEY to a valid key in this server's configuration and to restart it.",
    };
  }
  if (error instanceof InsufficientCredit) {
    return {
      summary,
      nextStep: `Ask the user to add credit, or call ${call.tool} with a cheaper processor.`,
    };
  }
  if (error instanceof ProcessorRefused) {
    const names = PROCESSORS.flatMap(({ name }) => (name.endsWith("-fast") ? [] : [name]));
    return {
      summary: "The backend refused the processor; no run was started.",
      nextStep: `${didYouMean(call.args["processor"])}Call ${call.tool} again with a processor the backend has. Known ones: ${names.join(", ")}; -fast variants exist.`,
    };
  }
  if (error instanceof Forbidden) {
    return { summary, nextStep: "Tell the user: the account of this server lacks the permission." };
  }
  if (error instanceof RunNotFound) {
    return {
      summary: `No run ${oneLine(error.runId, 100)} is known to the backend.`,
      nextStep:
        "Use the run_id exactly as create_task_run returned it; do not guess one. A run of another account, or one past its retention, cannot be read.",
    };
  }
  if (error instanceof GroupNotFound) {
    return {
      summary: `No task group ${oneLine(error.taskgroupId, 100)} is known to the backend.`,
      nextStep:
        "Use the taskgroup_id exactly as create_task_group returned it; do not guess one. A group of another account cannot be read.",
    };
  }
  if (error instanceof RunStillActive) {
    return { summary, nextStep: `Call ${repeat(call)} to read it when it is done.` };
  }
  if (error instanceof TurnedAwayByGateway) {
    const nothing = isCreate(call.tool)
      ? "No run was started: a request that is turned away is not carried out."
      : "It says nothing about the run or the key; runs that were started go on.";
    const signIn = error.status === 401 ? " A proxy on the way may want a sign-in of its own." : "";
    return {
      summary,
      nextStep: `${nothing} Tell the user to check the base URL and what is between this server and the backend (proxy, firewall, VPN).${signIn} Then call ${repeat(call)}.`,
    };
  }
  if (error instanceof RequestTooLarge) {
    return {
      summary,
      nextStep: `Nothing was started. Shorten the input, and call ${call.tool} again.`,
    };
  }
  if (error instanceof RequestRejected) {
    return {
      summary: isCreate(call.tool) ? `${summary} No run was started.` : summary,
      nextStep: `Correct what the backend objects to and call ${call.tool} again.`,
    };
  }
  if (error instanceof RateLimited) {
    return {
      summary,
      nextStep: `${whatStands(call.tool)} Wait ${secondsText(error.retryAfterMs)}, then call ${repeat(call)}.`,
    };
  }
  const pause = error instanceof BackendFailed ? secondsText(error.retryAfterMs) : "a moment";
  return {
    summary,
    nextStep: `${whatStands(call.tool)} Wait ${pause}, then call ${repeat(call)}. If it fails again, tell the user that the backend cannot be reached.`,
  };
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
