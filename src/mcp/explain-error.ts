import {
  BackendFailed,
  Forbidden,
  InsufficientCredit,
  ProcessorRefused,
  RateLimited,
  RequestRejected,
  RunNotFound,
  RunStillActive,
  TaskApiError,
  Unauthorized,
} from "../client/errors.ts";
import { PROCESSORS } from "../task-api/processors.ts";
import type { JsonObject } from "../task-api/task-spec.ts";
import { FieldNotFound, InvalidArguments } from "./argument-problems.ts";
import { BackendUnavailable } from "./backend.ts";
import { callText } from "./phrases.ts";
import { oneLine } from "./page-text.ts";

/** What a caller needs to know about a call that failed. */
export interface Explanation {
  /** What happened, in our words. */
  summary: string;
  /** Whose move it is, and the move. */
  nextStep: string;
  /** What others said about it, if anything: text from outside. */
  upstream: string | null;
}

/** The call that failed. */
export interface FailedCall {
  tool: string;
  args: JsonObject;
}

const CREATE = "create_task_run";
const CANCEL = "cancel_task_run";
/** Backends name at most 50 problems; this many correct any request, and the rest comes up next time. */
const UPSTREAM_PROBLEMS = 20;
const UPSTREAM_LINE_BUDGET = 500;
/** As many fields as the largest processors are meant for, and a few. */
const FIELDS_SHOWN = 30;
const FIELD_BUDGET = 60;

/** Explains an error so that a model can act on it. Secrets and stack traces stay out: they are in the log. */
export function explainError(error: unknown, call: FailedCall): Explanation {
  if (error instanceof InvalidArguments) return explainArguments(error, call);
  if (error instanceof FieldNotFound) return explainField(error, call);
  if (error instanceof TaskApiError) {
    return { ...explainBackendError(error, call), upstream: upstreamText(error) };
  }
  if (error instanceof BackendUnavailable) {
    return {
      summary: `The server could not open its task backend; nothing was sent. ${oneLine(error.message, UPSTREAM_LINE_BUDGET)}`,
      nextStep: "Tell the user: the server's configuration needs attention, and then a restart.",
      upstream: null,
    };
  }
  return {
    summary: `${call.tool} failed inside this server. That is a defect of the server, not of your call.`,
    nextStep: `Tell the user; the cause is in this server's log (stderr). ${
      call.tool === CREATE ? UNKNOWN_OUTCOME : "Runs that were started go on."
    }`,
    upstream: null,
  };
}

const UNKNOWN_OUTCOME =
  "It is not known whether the run was started. Do not start it again unasked: it might be billed twice. Tell the user, who can look at the account's recent runs.";

function explainArguments({ problems }: InvalidArguments, { tool }: FailedCall): Explanation {
  const lines = problems.map(({ argument, fix }) => `- ${argument || "arguments"}: ${fix}`);
  return {
    summary: [
      `The arguments of ${tool} need correction.${tool === CREATE ? " No run was started." : ""}`,
      ...lines,
    ].join("\n"),
    nextStep: `Correct ${problems.length === 1 ? "it" : `all ${problems.length}`} and call ${tool} again.`,
    upstream: null,
  };
}

function explainField({ field, known }: FieldNotFound, { tool }: FailedCall): Explanation {
  const names = known.slice(0, FIELDS_SHOWN).map((name) => oneLine(name, FIELD_BUDGET));
  const more = known.length > names.length ? [`and ${known.length - names.length} more`] : [];
  return {
    summary: `The run has no field ${JSON.stringify(oneLine(field, FIELD_BUDGET))}.`,
    nextStep: `Call ${tool} again with one of its fields${names.length === 0 ? " (there are none)" : ", named below"}, or without field.`,
    upstream: names.length === 0 ? null : `Fields of the run: ${[...names, ...more].join(", ")}`,
  };
}

function explainBackendError(
  error: TaskApiError,
  call: FailedCall,
): Pick<Explanation, "summary" | "nextStep"> {
  const summary = error.message;
  if (error instanceof Unauthorized) {
    return {
      summary,
      nextStep:
        "Ask the user to set a valid API key in this server's configuration and restart it.",
    };
  }
  if (error instanceof InsufficientCredit) {
    return {
      summary,
      nextStep: `Ask the user to add credit, or call ${CREATE} with a cheaper processor.`,
    };
  }
  if (error instanceof ProcessorRefused) {
    const names = PROCESSORS.map(({ name }) => name).join(", ");
    return {
      summary: "The backend refused the processor; no run was started.",
      nextStep: `Call ${CREATE} again with a processor the backend has. Known ones: ${names}.`,
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
  if (error instanceof RunStillActive) {
    return { summary, nextStep: `Call ${repeat(call)} to read it when it is done.` };
  }
  if (error instanceof RequestRejected) {
    return {
      summary,
      nextStep: `Correct what the backend objects to and call ${call.tool} again.`,
    };
  }
  if (error instanceof RateLimited) {
    return {
      summary,
      nextStep: `Wait ${secondsText(error.retryAfterMs)}, then call ${repeat(call)}.`,
    };
  }
  if (call.tool === CREATE && !error.surelyNotAccepted) {
    return { summary, nextStep: UNKNOWN_OUTCOME };
  }
  const pause = error instanceof BackendFailed ? secondsText(error.retryAfterMs) : "a moment";
  return {
    summary,
    nextStep: `${whatStands(call.tool)} Wait ${pause}, then call ${repeat(call)}. If it fails again, tell the user that the backend cannot be reached.`,
  };
}

function whatStands(tool: string): string {
  switch (tool) {
    case CREATE:
      return "No run was started.";
    case CANCEL:
      return "It is not known whether the run is being cancelled; asking again is safe.";
    default:
      return "Runs that were started go on.";
  }
}

/** The same call again. The arguments of a create are long and may hold secrets, so they are not repeated. */
function repeat({ tool, args }: FailedCall): string {
  return tool === CREATE ? `${CREATE} with the same arguments` : callText(tool, args);
}

function secondsText(ms: number | null): string {
  return ms === null ? "a moment" : `${Math.max(1, Math.ceil(ms / 1_000))} s`;
}

function upstreamText(error: TaskApiError): string | null {
  const lines = [
    ...(error.upstreamMessage === null ? [] : [error.upstreamMessage]),
    ...(error instanceof RequestRejected
      ? error.problems
          .slice(0, UPSTREAM_PROBLEMS)
          .map(({ loc, msg }) => `- ${loc.join(".")}: ${msg}`)
      : []),
    ...(error.refId === null ? [] : [`reference: ${error.refId}`]),
  ];
  if (lines.length === 0) return null;
  const text = lines.map((line) => oneLine(line, UPSTREAM_LINE_BUDGET)).join("\n");
  return `The backend's message:\n${text}`;
}
