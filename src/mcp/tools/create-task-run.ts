import { TaskApiError } from "../../client/errors.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { ledgerNotes } from "../runs/backend.ts";
import type { OpenCall } from "../runs/call-context.ts";
import { WHOLE_OUTPUT, buildRunReport } from "../report/build-run-report.ts";
import { composeDryRun } from "../runs/dry-run.ts";
import { type StartedRun, findKeyed, startRun } from "../runs/start-run.ts";
import { explainedBy } from "../runs/cost-errors.ts";
import { checkRepeats, keyedText, noteParent } from "../runs/repeated-requests.ts";
import { doubtNotes } from "../report/run-facts.ts";
import { AnsweredRunReport, RunReport } from "../report/run-report.ts";
import { readAnswerForm } from "../runs/read-answer-form.ts";
import { readRun, snapshotOf } from "../runs/read-run.ts";
import { clampWait } from "../runs/wait-policy.ts";
import { findReadablePassage } from "../runs/read-passages.ts";
import type { Tool } from "../tool.ts";
import {
  CreateArguments,
  RUN_INPUT_NAMES,
  doubtsAbout,
  toRunInput,
} from "./arguments/create-arguments.ts";

export const createTaskRun: Tool<typeof CreateArguments> = {
  name: "create_task_run",
  toolset: "runs",
  title: "Start a task run",
  description:
    "Start a research task and get its run_id at once; it goes on in the background, for seconds to hours. Use it for questions that need several sources or citations; not for what you know or one page you can open. A run may cost money (dry_run tells first): never start one twice for the same question. It cannot be changed later. Next: get_task_run.",
  input: CreateArguments,
  otherNames: {
    ...RUN_INPUT_NAMES,
    default_task_spec: "task_spec",
    question: "input",
    query: "input",
    prompt: "input",
  },
  output: AnsweredRunReport.extend(RunReport.pick({ request: true }).shape),
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: true },
  otherWords: {
    embedded: {
      description:
        "Start a run that searches this server's document folders and quotes what answers the question, without a model and without the web. Returns its run_id at once; most runs take seconds. Ask in the language and words of the documents. Next: get_task_run.",
    },
    host: {
      description:
        "Start a run that searches this server's document folders and gathers passages from which you then write the answer; every citation is verified. Returns its run_id at once, and asks for the answer within seconds. Ask in the language and words of the documents. Next: get_task_run.",
    },
    scripted: {
      description:
        "Start a research task and get its run_id at once; it goes on in the background. Use it for questions that need several sources or citations; not for what you know or one page you can open. Never start one twice for the same question. It cannot be changed later. Next: get_task_run.",
    },
  },

  async run(args, context) {
    const input = toRunInput(args, context);
    const call = await context.open();
    const { backend, waits } = call;
    const doubts = doubtsAbout(input, backend);
    const { idempotency_key: idempotencyKey = null, max_cost_usd: maxCostUsd } = args;
    const request = {
      input,
      priceUsd: backend.prices.priceUsd(input.processor) ?? null,
      idempotencyKey,
    };
    const isDry = args.dry_run === true;
    const keyed = await findKeyed(request, backend);
    const repeats = keyed === null ? await checkRepeats([input], args, call) : [];
    const parentNotes = await noteParent(input, call, isDry);
    if (isDry) {
      return composeDryRun({
        inputs: [input],
        request: input,
        sent: input,
        doubts,
        keyed: keyed === null ? null : keyedText(keyed, context.clock.now()),
        notes: [...repeats, ...parentNotes],
        maxCostUsd,
        call,
      });
    }
    const started = await startRun(request, { ...call, maxCostUsd }).catch((error: unknown) => {
      throw explainedBy(doubts, error);
    });
    const { origin } = started;
    const wait = clampWait(args.wait_seconds, waits, 0);
    const seen = await readStarted(started, wait.seconds, call);
    const { created_at, ...report } = buildRunReport({
      seen,
      form: await readAnswerForm(seen, call),
      prices: backend.prices,
      view: "auto",
      selection: WHOLE_OUTPUT,
      wait,
      nextWaitSeconds: waits.defaultSeconds,
      lead: ORIGIN_NOTES[origin],
      readablePassage: await findReadablePassage(seen, call),
      notes: [
        ...doubtNotes(doubts),
        ...started.notes,
        ...(origin === "started" ? repeats : []),
        ...parentNotes,
        ...ledgerNotes(backend),
      ],
    });
    // The time of creation is of no use for a run that this call has just started.
    return origin === "started" ? report : { ...report, ...(created_at && { created_at }) };
  },
};

const ORIGIN_NOTES: Readonly<Record<StartedRun["origin"], string>> = {
  started: "Started 1 run.",
  known:
    "No second run was started: this is the run of the idempotency_key, and a new key starts another.",
  joined: "No second run was started: an identical call was on its way, and both got this one.",
};

/** Reads a new run. When that fails the caller still gets its run_id, the one thing that must not be lost. */
async function readStarted(
  { run }: StartedRun,
  waitSeconds: number,
  call: OpenCall,
): Promise<RunSnapshot> {
  try {
    const options = { known: run, waitSeconds, include: "answer" } as const;
    return (await readRun(run.run_id, options, call)).seen;
  } catch (error) {
    call.signal.throwIfAborted();
    call.log().warn({ err: error, run_id: run.run_id }, "a new run cannot be read");
    const staleReason =
      error instanceof TaskApiError ? error.message : "This server failed to look.";
    return { ...snapshotOf(run), staleReason };
  }
}
