import { TaskApiError } from "../client/errors.ts";
import type { RunSnapshot } from "../client/follower.ts";
import { checkTaskSpec } from "../task-api/output-schema-rules.ts";
import type { RunInput } from "../task-api/run-input.ts";
import type { Backend } from "./backend.ts";
import { CreateArguments, toRunInput } from "./create-arguments.ts";
import { durationText } from "./phrases.ts";
import { composeReport } from "./compose-report.ts";
import { priceFacts, warningFacts } from "./run-facts.ts";
import { RunReport, ShownReport } from "./run-report.ts";
import { boundWait } from "./shared-arguments.ts";
import type { Tool, ToolContext } from "./tool.ts";
import { snapshotOf, waitForRun, withOutput } from "./wait-for-run.ts";

export const createTaskRun: Tool<typeof CreateArguments> = {
  name: "create_task_run",
  title: "Start a task run",
  description:
    "Start a research task and get its run_id at once; it goes on in the background, for seconds to hours by processor. Use it for questions that need several sources or answers with citations; not for what you know or one page you can open. Each run may cost money (see processor; dry_run tells first): never start one twice for the same question. A run cannot be changed later. Next: get_task_run.",
  input: CreateArguments,
  output: ShownReport.extend(
    RunReport.pick({ price_usd: true, output: true, citations: true }).shape,
  ),
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: true },

  async run(args, context) {
    const input = toRunInput(args, context.defaultProcessor);
    const backend = await context.openBackend();
    if (args.dry_run === true) return describeDryRun(input, backend.kind);

    // Without the caller's signal: a run that the backend accepts is a run, whoever has left meanwhile.
    const run = await backend.client.createRun(input);
    const { waits } = context;
    const wait = boundWait(args.wait_seconds ?? 0, waits);
    const seen = await seeOrKeep(snapshotOf(run), backend, wait.seconds, context);
    const report = composeReport({
      seen,
      kind: backend.kind,
      view: "auto",
      place: { field: undefined, offset: 0 },
      wait,
      nextWaitSeconds: waits.defaultSeconds,
    });
    return { ...report, summary: `Started a run. ${report.summary}` };
  },
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
    return await withOutput(backend, seen, context.callerLeft);
  } catch (error) {
    if (!(error instanceof TaskApiError)) throw error;
    context.log.warn({ err: error, run_id }, "a new run cannot be watched");
    return { ...created, trouble: error.message };
  }
}

function describeDryRun(input: RunInput, kind: Backend["kind"]): RunReport {
  const price = priceFacts(input.processor, kind);
  const { warnings } = checkTaskSpec(input);
  return {
    summary: `Dry run: the arguments are valid and nothing was started. ${describePrice(price, input.processor, kind)}`,
    next_step: "Call create_task_run with the same arguments and without dry_run to start the run.",
    processor: input.processor,
    ...price,
    ...warningFacts(warnings.map(({ pointer, message }) => `${pointer}: ${message}`)),
  };
}

function describePrice(
  { price_usd, usual_seconds }: ReturnType<typeof priceFacts>,
  processor: string,
  kind: Backend["kind"],
): string {
  if (kind === "embedded") return "The built-in engine is free.";
  if (price_usd === undefined || usual_seconds === undefined) {
    return `The price of processor ${processor} is not known here; the backend may also refuse it.`;
  }
  const usual = `${durationText(usual_seconds.from)} to ${durationText(usual_seconds.to)}`;
  const whose = kind === "custom" ? " by Parallel's list; this backend's own price may differ" : "";
  return `On ${processor} it costs $${price_usd} when it completes${whose}, and usually takes ${usual}.`;
}
