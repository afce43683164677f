import { runsText, callWithId, oneLine } from "../report/text.ts";
import { TaskApiError } from "../../client/errors.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import { TaskGroupLimits } from "../../task-api/task-group.ts";
import { InvalidArguments } from "../arguments/argument-problems.ts";
import { ledgerNotes } from "../runs/backend.ts";
import { buildGroupReport } from "../runs/build-group-report.ts";
import type { OpenCall } from "../runs/call-context.ts";
import { composeDryRun } from "../runs/dry-run.ts";
import { type FailedInput, failedInputs } from "../runs/retries.ts";
import { costUsd } from "../runs/budget.ts";
import { type StartedGroup, findKeyedGroup, startGroup } from "../runs/start-group.ts";
import { explainedBy } from "../runs/cost-errors.ts";
import { checkRepeats } from "../runs/repeated-requests.ts";
import { doubtNotes, warningFacts } from "../report/run-facts.ts";
import { type Batch, GroupReport, RunReport } from "../report/run-report.ts";
import type { Tool } from "../tool.ts";
import { readGroup } from "../runs/read-group.ts";
import type { Wait } from "../report/run-sentences.ts";
import { clampWait } from "../runs/wait-policy.ts";
import {
  GROUP_NAMES,
  GroupArguments,
  defaultSpecOf,
  doubtsAboutAll,
  toRunInputs,
} from "./arguments/group-arguments.ts";

export const createTaskGroup: Tool<typeof GroupArguments> = {
  name: "create_task_group",
  toolset: "groups",
  title: "Start many task runs",
  description:
    "Start the same kind of task for many inputs (companies, a table's rows) as one group, add runs to a group, or retry its failed runs. Every run costs what its processor costs: try 3 to 5 inputs first, and dry_run for the sum. Returns taskgroup_id at once. Next: get_task_group.",
  input: GroupArguments,
  otherNames: GROUP_NAMES,
  output: GroupReport.extend(
    RunReport.pick({
      processor: true,
      price_usd: true,
      usual_seconds: true,
      warnings: true,
      batches: true,
      request: true,
      runs: true,
      next_cursor: true,
    }).shape,
  ),
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: true },
  otherWords: {
    embedded: {
      description:
        "Start the same kind of search for many inputs (a list of companies, a table's rows) as one group, add runs to a group, or retry those that failed. Try 3 to 5 inputs first. Returns taskgroup_id at once. Next: get_task_group.",
    },
  },

  async run(args, context) {
    const { inputs: given, problems } = toRunInputs(args, context);
    if (problems.length > 0) throw new InvalidArguments(problems);
    const defaultTaskSpec = defaultSpecOf(args);
    const call = await context.open();
    const { backend } = call;
    const doubts = doubtsAboutAll(given, defaultTaskSpec, backend);
    const { found: retried, notes: retryNotes } = await retriedInputs(args, call);
    const inputs = [...given, ...retried.map(({ input }) => input)];
    if (inputs.length === 0 && args.taskgroup_id !== undefined) {
      return nothingToRetry(args.taskgroup_id, retryNotes, call);
    }
    const { idempotency_key: idempotencyKey, max_cost_usd: maxCostUsd } = args;
    const request = {
      taskgroupId: args.taskgroup_id,
      inputs,
      defaultTaskSpec,
      metadata: args.metadata,
      idempotencyKey,
    };
    const keyed = await findKeyedGroup(request, backend);
    const repeats =
      keyed === null
        ? await checkRepeats(
            inputs.map((input) => ({ task_spec: defaultTaskSpec, ...input })),
            args,
            call,
          )
        : [];
    if (args.dry_run === true) {
      const shown = {
        ...(args.taskgroup_id !== undefined && { taskgroup_id: args.taskgroup_id }),
        inputs: inputs.slice(0, 3),
        ...(defaultTaskSpec && { default_task_spec: defaultTaskSpec }),
      };
      if (args.taskgroup_id !== undefined) {
        await backend.client.retrieveGroup(args.taskgroup_id, { signal: call.signal });
      }
      const sent = { inputs, default_task_spec: defaultTaskSpec };
      return composeDryRun({
        inputs,
        request: shown,
        sent,
        doubts,
        keyed:
          keyed &&
          `The idempotency_key stands for group ${oneLine(keyed, 100)}: the call starts only what is missing there.`,
        notes: [...retryNotes, ...repeats],
        maxCostUsd,
        call,
      });
    }
    const started = await startGroup(
      {
        ...request,
        keys: [
          ...given.map((_input, index) => idempotencyKey && `${idempotencyKey}/${index}`),
          // A failed run is retried once, however often the caller asks for it.
          ...retried.map(({ runId }) => `retry/${runId}`),
        ].map((key) => key ?? null),
        retryOf: [...given.map(() => null), ...retried.map(({ runId }) => runId)],
        maxCostUsd,
      },
      call,
    );
    const { taskgroupId, batches, added, error } = started;
    if (
      error !== null &&
      batches.every(({ outcome }) => outcome === "refused" || outcome === "not_sent")
    ) {
      throw explainedBy(doubts, error);
    }
    const warnings = added > 0 ? await sourceWarnings(inputs, call) : [];
    const wait = clampWait(args.wait_seconds, call.waits, 0);
    const report = await readStarted(taskgroupId, wait, call);
    const price = costUsd(
      inputs.map(({ processor }) => processor),
      backend.prices,
    );
    const notes = [
      ...doubtNotes(doubts),
      ...started.notes,
      ...retryNotes,
      ...repeats,
      ...(report.notes ?? []),
    ];
    const isAllAdded = batches.every(({ outcome }) => outcome === "added");
    return {
      ...report,
      summary: `${startedSentence(started, inputs.length)} ${report.summary}`.trim(),
      next_step: [report.next_step, ...batchSteps(started, idempotencyKey !== undefined)].join(" "),
      taskgroup_id: oneLine(taskgroupId, 100),
      ...(price !== null && price > 0 && added === inputs.length && { price_usd: price }),
      ...(!isAllAdded && { batches }),
      ...(notes.length > 0 && { notes }),
      ...warningFacts(warnings.filter((warning) => !doubts.includes(warning))),
    };
  },
};

async function retriedInputs(
  { taskgroup_id: taskgroupId, retry_run_ids: runIds = [], retry_failed: isAll }: GroupArguments,
  call: OpenCall,
): Promise<{ found: FailedInput[]; notes: string[] }> {
  if (taskgroupId === undefined || (runIds.length === 0 && isAll !== true)) {
    return { found: [], notes: [] };
  }
  return failedInputs(taskgroupId, isAll === true ? "all" : runIds, call);
}

async function nothingToRetry(
  taskgroupId: string,
  notes: readonly string[],
  call: OpenCall,
): Promise<RunReport> {
  const seen = await readGroup(taskgroupId, { waitSeconds: 0 }, call);
  const report = await buildGroupReport(seen, { view: "status" }, call);
  const all = [...notes, ...(report.notes ?? [])];
  return {
    ...report,
    summary: `There is no failed run to retry. ${report.summary}`,
    ...(all.length > 0 && { notes: all }),
  };
}

/** Reads the group, and its results if all have ended. When that fails the caller still gets its id, which must not be lost. */
async function readStarted(taskgroupId: string, wait: Wait, call: OpenCall): Promise<RunReport> {
  const next = callWithId("get_task_group", { wait_seconds: call.waits.defaultSeconds });
  const next_step = `Call ${next} to wait for results.`;
  try {
    const seen = await readGroup(taskgroupId, { waitSeconds: wait.seconds }, call);
    const isOver = wait.seconds > 0 && !seen.group.status.is_active;
    const view = isOver ? "auto" : "status";
    const report = await buildGroupReport(seen, { view, wait }, call);
    return isOver ? report : { ...report, next_step };
  } catch (error) {
    call.signal.throwIfAborted();
    call.log().warn({ err: error, taskgroup_id: taskgroupId }, "a new group cannot be read");
    const why = error instanceof TaskApiError ? error.message : "This server failed to read it.";
    const notes = [`The group could not be read yet: ${why}`, ...ledgerNotes(call.backend)];
    return { summary: "", next_step, notes };
  }
}

function startedSentence({ added, batches }: StartedGroup, asked: number): string {
  if (added === asked) return `Started ${runsText(added)}.`;
  if (batches.every(({ outcome }) => outcome === "added_before")) {
    return `Nothing was started: ${asked === 1 ? "the run was" : `all ${asked} runs were`} started before.`;
  }
  // A batch may have runs of both kinds.
  const isRestKnown = batches.every(
    ({ outcome }) => outcome === "added" || outcome === "added_before",
  );
  const rest = isRestKnown ? "the others were started before" : "see batches for the others";
  return `Started ${added} of ${runsText(asked)}; ${rest}.`;
}

/** What to do about inputs that were not added. */
function batchSteps({ batches }: StartedGroup, isKeyed: boolean): string[] {
  const ranges = (...outcomes: Batch["outcome"][]) =>
    batches
      .filter(({ outcome }) => outcomes.includes(outcome))
      .map(({ from, to }) => `${from} to ${to}`)
      .join(", ");
  const unknown = ranges("unknown");
  const unsent = ranges("refused", "not_sent");
  const again = "call create_task_group again with the same arguments and the same idempotency_key";
  return [
    ...(unknown === ""
      ? []
      : [
          isKeyed
            ? `Inputs ${unknown}: ${again}; it looks for them and starts nothing twice.`
            : `Inputs ${unknown}: compare the group's number of runs before you send them again; they might be billed twice.`,
        ]),
    ...(unsent === ""
      ? []
      : [
          // Sent without their key, they would be started a second time by the next call with it.
          isKeyed
            ? `Inputs ${unsent} were not started: ${again}; it starts only what is missing.`
            : `Inputs ${unsent} were not started: send only these again, with this taskgroup_id.`,
        ]),
  ];
}

/**
 * Our engine's warnings about the source policies of a group's inputs, because a new group is reported without the
 * warnings of its runs. They are requested after the start, once per policy. If that fails, each run still has its own
 * warnings.
 */
async function sourceWarnings(
  inputs: readonly RunInput[],
  { backend: { client }, signal, log }: OpenCall,
): Promise<string[]> {
  const byPolicy = new Map(
    inputs.flatMap(({ task_spec: _task_spec, ...input }) =>
      input.source_policy ? [[JSON.stringify(input.source_policy), input] as const] : [],
    ),
  );
  if (byPolicy.size === 0) return [];
  try {
    const some = [...byPolicy.values()].slice(0, TaskGroupLimits.inputsPerRequest);
    const check = await client.checkRuns({ inputs: some }, { signal });
    return (check?.warnings ?? []).map(({ message }) => message);
  } catch (error) {
    if (!(error instanceof TaskApiError)) throw error;
    log().warn({ err: error }, "the sources of a new group cannot be checked");
    return [];
  }
}
