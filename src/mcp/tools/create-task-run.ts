import { TaskApiError } from "../../client/errors.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { type Backend, ledgerNotes } from "../runs/backend.ts";
import { WHOLE, composeReport } from "../report/build-run-report.ts";
import { composeDryRun } from "../runs/dry-run.ts";
import { type PlacedRun, findKeyed, placeRun } from "../runs/start-run.ts";
import { explainedBy } from "../runs/cost-errors.ts";
import { checkRepeats, keyedText, noteParent } from "../runs/repeated-requests.ts";
import { doubtNotes } from "../report/run-facts.ts";
import { AnsweredRunReport, RunReport } from "../report/run-report.ts";
import type { Tool, ToolContext } from "../tool.ts";
import { boundWait } from "../runs/wait-policy.ts";
import { snapshotOf, waitForRun, withOutput } from "../runs/wait-for-run.ts";
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
  words: {
    embedded:
      "Start a run that searches this server's document folders and quotes what answers the question, without a model and without the web. Returns its run_id at once; most runs take seconds. Ask in the language and words of the documents. Next: get_task_run.",
    scripted:
      "Start a research task and get its run_id at once; it goes on in the background. Use it for questions that need several sources or citations; not for what you know or one page you can open. Never start one twice for the same question. It cannot be changed later. Next: get_task_run.",
  },

  async run(args, context) {
    const input = toRunInput(args, context);
    const backend = await context.openBackend();
    const doubts = doubtsAbout(input, backend);
    const { idempotency_key: idempotencyKey, max_cost_usd: maxCostUsd } = args;
    const isDry = args.dry_run === true;
    const keyed = await findKeyed({ input, idempotencyKey }, backend);
    const repeat = keyed === null ? await checkRepeats([input], args, backend, context) : [];
    const parent = await noteParent(input, backend, isDry);
    if (isDry) {
      return composeDryRun({
        inputs: [input],
        request: input,
        sent: input,
        doubts,
        keyed: keyed === null ? null : keyedText(keyed, context.clock.now()),
        notes: [...repeat, ...parent],
        backend,
        maxCostUsd,
        context,
      });
    }
    const order = { input, idempotencyKey, maxCostUsd };
    const placed = await placeRun(order, backend, context).catch((error: unknown) => {
      throw explainedBy(doubts, error);
    });
    const { waits } = context;
    const wait = boundWait(args.wait_seconds, waits, 0);
    const seen = await seeOrKeep(snapshotOf(placed.run), backend, wait.seconds, context);
    const { created_at, ...report } = composeReport({
      seen,
      prices: backend.prices,
      view: "auto",
      place: WHOLE,
      wait,
      nextWaitSeconds: waits.defaultSeconds,
      lead: LEADS[placed.how],
      notes: [
        ...doubtNotes(doubts),
        ...placed.notes,
        ...(placed.how === "started" ? repeat : []),
        ...parent,
        ...ledgerNotes(backend),
      ],
    });
    // When a run was created that this call started is not news.
    return placed.how === "started" ? report : { ...report, ...(created_at && { created_at }) };
  },
};

const LEADS: Readonly<Record<PlacedRun["how"], string>> = {
  started: "Started 1 run.",
  known:
    "No second run was started: this is the run of the idempotency_key, and a new key starts another.",
  joined: "No second run was started: an identical call was on its way, and both got this one.",
};

/** Looks on at a new run. When that fails the caller still gets the run id, the one thing that must not be lost. */
async function seeOrKeep(
  created: RunSnapshot,
  backend: Backend,
  seconds: number,
  context: ToolContext,
): Promise<RunSnapshot> {
  const { run_id, is_active } = created.run;
  try {
    const seen =
      seconds > 0 && is_active ? await waitForRun(backend, run_id, seconds, context) : created;
    return await withOutput(backend, run_id, seen, context.callerLeft);
  } catch (error) {
    context.callerLeft.throwIfAborted();
    context.log().warn({ err: error, run_id }, "a new run cannot be watched");
    const trouble = error instanceof TaskApiError ? error.message : "This server failed to look.";
    return { ...created, trouble };
  }
}
