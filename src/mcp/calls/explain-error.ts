import { RequestRejected, TaskApiError } from "../../client/errors.ts";
import { LedgerUnavailable } from "../../ledger/errors.ts";
import { InvalidArguments, PartNotFound } from "../arguments/argument-problems.ts";
import { BackendUnavailable } from "../runs/backend.ts";
import { AnswerNotAccepted } from "../runs/answer-errors.ts";
import { type FailedCall, explainBackendError, isCreate } from "./explain-backend-error.ts";
import { didYouMean } from "../runs/meant-processor.ts";
import { callFor, callText, oneLine, shownJson } from "../report/text.ts";
import {
  CostRefused,
  DoubtedRequestRejected,
  DuplicateRefused,
  OutcomeUnknown,
  SentBefore,
} from "../runs/cost-errors.ts";

/** Backends name at most 50 problems; this many correct any request, and the rest comes up next time. */
const UPSTREAM_PROBLEMS = 20;
const UPSTREAM_LINE_BUDGET = 500;
/** Enough for the upper levels of the largest outputs; the outline has the rest. */
const PLACES_SHOWN = 30;
const PLACE_BUDGET = 60;

/** The explanation of a failed call for its caller. */
export interface Explanation {
  /** What happened, in our words. */
  summary: string;
  /** What to do next. */
  nextStep: string;
  /** The message of another party about it, if any: untrusted text. */
  upstream: { from: "the run" | "the backend"; text: string } | null;
}

const EXPECTED = [
  InvalidArguments,
  PartNotFound,
  CostRefused,
  DuplicateRefused,
  AnswerNotAccepted,
  OutcomeUnknown,
  SentBefore,
  DoubtedRequestRejected,
  LedgerUnavailable,
  TaskApiError,
] as const;

/** Whether the caller, or the user, can act on the error. Others are defects, for the log. */
export function isExpected(error: unknown): error is Error {
  if (error instanceof BackendUnavailable) return error.wrongSettings.length > 0;
  return EXPECTED.some((one) => error instanceof one);
}

/** Explains an error so that a model can act on it. Secrets and stack traces stay out: they are in the log. */
export function explainError(error: unknown, call: FailedCall): Explanation {
  if (error instanceof InvalidArguments) return explainArguments(error, call);
  if (error instanceof PartNotFound) return explainPlace(error, call);
  if (error instanceof CostRefused) return explainCost(error, call);
  if (error instanceof DuplicateRefused) {
    return {
      summary: `${error.message} No run was started.`,
      nextStep: `Read it with get_task_run. Without refuse_duplicate, ${call.tool} asks again.`,
      upstream: null,
    };
  }
  if (error instanceof AnswerNotAccepted) return explainNotAccepted(error, call);
  if (error instanceof OutcomeUnknown) return explainUnknown(error, call);
  if (error instanceof SentBefore) return explainSentBefore(error);
  if (error instanceof DoubtedRequestRejected) return explainDoubted(error, call);
  if (error instanceof TaskApiError) {
    return { ...explainBackendError(error, call), upstream: upstreamText(error) };
  }
  if (error instanceof LedgerUnavailable) {
    return {
      summary: `${oneLine(error.message, UPSTREAM_LINE_BUDGET)} Nothing was sent.`,
      nextStep:
        "Tell the user: the disk or the folder of this server's state needs attention. Runs can still be read by run_id.",
      upstream: null,
    };
  }
  if (error instanceof BackendUnavailable && error.wrongSettings.length > 0) {
    return {
      summary: [
        ...error.wrongSettings.map((text) => oneLine(text, UPSTREAM_LINE_BUDGET)),
        "Nothing was sent.",
      ].join("\n"),
      nextStep:
        "Tell the user: correct this in the settings of this server, where the client keeps them, and restart the server.",
      upstream: null,
    };
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
      isCreate(call.tool) ? UNKNOWN_OUTCOME : "Runs that were started go on."
    }`,
    upstream: null,
  };
}

function explainArguments({ problems }: InvalidArguments, { tool }: FailedCall): Explanation {
  const lines = problems.map(({ argument, fix }) => `- ${argument || "arguments"}: ${fix}`);
  const { idOfOther } = problems.find((problem) => problem.idOfOther !== undefined) ?? {};
  const verb = tool.startsWith("cancel_") ? "cancel" : "get";
  return {
    summary: [
      `The arguments of ${tool} need correction.${isCreate(tool) ? " No run was started." : ""}`,
      ...lines,
    ].join("\n"),
    nextStep:
      idOfOther === undefined
        ? `Correct ${problems.length === 1 ? "it" : `all ${problems.length}`} and call ${tool} again.`
        : `Call ${callFor(oneLine(idOfOther, 100), verb)}.`,
    upstream: null,
  };
}

function explainNotAccepted(
  { runId, problems, triesLeft, cause }: AnswerNotAccepted,
  { tool }: FailedCall,
): Explanation {
  const lines = problems
    .slice(0, UPSTREAM_PROBLEMS)
    .map(({ loc, msg }) => `- ${loc.slice(1).join(".")}: ${msg}`)
    .map((line) => oneLine(line, UPSTREAM_LINE_BUDGET));
  const reason = lines.length === 0 ? (cause.upstreamMessage ?? cause.message) : null;
  return {
    summary: [
      `The answer was not accepted${reason === null ? ":" : `: ${oneLine(reason, UPSTREAM_LINE_BUDGET)}.`}`,
      ...lines,
    ].join("\n"),
    nextStep:
      triesLeft > 0
        ? `Mend this and call ${tool} again with the whole answer: ${triesLeft === 1 ? "the last try" : `${triesLeft} tries are left`}.`
        : `The run takes no answer any more: call ${callFor(oneLine(runId, 100))}.`,
    upstream: null,
  };
}

function explainPlace({ part }: PartNotFound, { tool }: FailedCall): Explanation {
  const { kind, name, known, inside } = part;
  const where = inside === undefined ? "the output" : oneLine(inside, PLACE_BUDGET);
  const names = known.slice(0, PLACES_SHOWN).map((one) => oneLine(one, PLACE_BUDGET));
  const more = known.length > names.length ? [`and ${known.length - names.length} more`] : [];
  return {
    summary: `The output has no ${kind} ${shownJson(oneLine(name, PLACE_BUDGET))}.`,
    nextStep:
      names.length === 0
        ? `There are no ${kind}s in ${where}: call ${tool} again without ${kind}${inside === undefined ? "" : ` or with ${shownJson(where)}`}.`
        : `Call ${tool} again with one of the ${kind}s of ${where}, named below, or without ${kind}.`,
    upstream:
      names.length === 0
        ? null
        : {
            from: "the run",
            text: `${kind === "field" ? "Fields" : "Sections"} of ${where}: ${[...names, ...more].join(kind === "field" ? ", " : " | ")}`,
          },
  };
}

function explainCost({ refusal }: CostRefused, { tool }: FailedCall): Explanation {
  switch (refusal.kind) {
    case "over_max":
      return {
        summary: `This would cost $${refusal.askedUsd}, more than max_cost_usd $${refusal.maxUsd}. No run was started.`,
        nextStep: `Call ${tool} again with a cheaper processor or fewer runs, or raise max_cost_usd if the user agrees.`,
        upstream: null,
      };
    case "over_budget":
      return {
        summary: `This would cost $${refusal.askedUsd}, and $${refusal.spentUsd} of today's budget of $${refusal.budgetUsd} are spent. No run was started.`,
        nextStep: `Call ${tool} again with a cheaper processor, or tell the user: the budget is counted per UTC day and was set by whoever runs this server.`,
        upstream: null,
      };
    case "unknown_price":
      return {
        summary: `The price of processor ${oneLine(refusal.processor, PLACE_BUDGET)} is not known here, so no cost limit can be kept. No run was started.`,
        nextStep: `${didYouMean(refusal.processor)}Call ${tool} again with a processor that has a price, or ask the user to give this server a price list.`,
        upstream: null,
      };
  }
}

const UNKNOWN_OUTCOME =
  'It is not known whether the run was started. Do not start it again unasked: it might be billed twice. Tell the user, who can look at the account\'s recent runs; list_task_runs {"status":"unknown"} names what is open.';

function explainUnknown({ cause, wayOut }: OutcomeUnknown, { tool }: FailedCall): Explanation {
  const nextSteps = {
    same_key: `It is not known whether the run was started. Call ${tool} again with the same arguments and the same idempotency_key: that starts nothing twice.`,
    list: `It is not known whether the run was started. Do not start it again now: call ${callText("list_task_runs", { status: "unknown" })} in a moment, which looks for it.`,
    none: UNKNOWN_OUTCOME,
  };
  return { summary: cause.message, nextStep: nextSteps[wayOut], upstream: upstreamText(cause) };
}

function explainSentBefore({ entry }: SentBefore): Explanation {
  if (entry.isBeingSent) {
    return {
      summary: `Another process has been sending the same request since ${entry.createdAt}, and has no answer yet. It was not sent again.`,
      nextStep: "Call again with the same arguments in a moment: that starts nothing twice.",
      upstream: null,
    };
  }
  return {
    summary: `The same request was sent at ${entry.createdAt}, and it is not known whether it was accepted. It was not sent again.`,
    nextStep: `Do not start it again unasked: it might be billed twice. Tell the user, who can look at the account's recent runs; a new idempotency_key starts it anew. Open entries: ${callText("list_task_runs", { status: "unknown" })}.`,
    upstream: null,
  };
}

function explainDoubted(
  { rejection, doubts }: DoubtedRequestRejected,
  call: FailedCall,
): Explanation {
  const { summary, ...rest } = explainError(rejection, call);
  const lines = doubts.map((doubt) => `- ${oneLine(doubt, UPSTREAM_LINE_BUDGET)}`);
  return {
    summary: [`${summary} Rules that the request does not keep:`, ...lines].join("\n"),
    ...rest,
  };
}

function upstreamText(error: TaskApiError): Explanation["upstream"] {
  const message = error.upstreamMessage && oneLine(error.upstreamMessage, UPSTREAM_LINE_BUDGET);
  const lines = [
    ...(message === null ? [] : [message]),
    ...(error instanceof RequestRejected
      ? error.problems
          .slice(0, UPSTREAM_PROBLEMS)
          .map(({ loc, msg }) => `${loc.join(".")}: ${msg}`)
          // Backends like to say the first ones in their message.
          .filter((line) => message?.includes(oneLine(line, UPSTREAM_LINE_BUDGET)) !== true)
          .map((line) => `- ${line}`)
      : []),
    ...(error.refId === null ? [] : [`reference: ${error.refId}`]),
  ];
  if (lines.length === 0) return null;
  const text = lines.map((line) => oneLine(line, UPSTREAM_LINE_BUDGET)).join("\n");
  return { from: "the backend", text: `The backend's message:\n${text}` };
}
