import { TaskApiError } from "../../client/errors.ts";
import { type RunInput, UndisputedRunInput } from "../../task-api/run-input.ts";
import { InvalidArguments } from "../argument-problems.ts";
import type { Backend } from "../backend.ts";
import { composeDryRun } from "../dry-run.ts";
import { type GroupFacts, describeGroup, groupSentence } from "../group-report.ts";
import { ledgerNotes } from "../ledger-notes.ts";
import { costUsd } from "../order-cost.ts";
import { callText } from "../phrases.ts";
import { type PlacedGroup, placeGroup } from "../place-group.ts";
import { oneLine } from "../reading/page-text.ts";
import { explainedBy } from "../refusals.ts";
import { doubtNotes } from "../run-facts.ts";
import { GroupReport, RunReport } from "../run-report.ts";
import type { Tool, ToolContext } from "../tool.ts";
import { waitForGroup } from "../wait-for-group.ts";
import { boundWait } from "../wait-policy.ts";
import {
  GROUP_NAMES,
  GroupArguments,
  defaultSpecOf,
  doubtsAboutAll,
  toRunInputs,
} from "./group-arguments.ts";

export const createTaskGroup: Tool<typeof GroupArguments> = {
  name: "create_task_group",
  toolset: "groups",
  title: "Start many task runs",
  description:
    "Start the same kind of task for many inputs (a list of companies, a table's rows) as one group, add runs to a group, or retry those that failed. Every run costs what its processor costs: try 3 to 5 inputs first, and dry_run for the sum. Returns taskgroup_id at once. Next: get_task_group.",
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
    }).shape,
  ),
  hints: { readOnly: false, destructive: false, idempotent: false, openWorld: true },
  words: {
    embedded:
      "Start the same kind of search for many inputs (a list of companies, a table's rows) as one group, add runs to a group, or retry those that failed. Try 3 to 5 inputs first. Returns taskgroup_id at once. Next: get_task_group.",
  },

  async run(args, context) {
    const { inputs: given, problems } = toRunInputs(args, context);
    if (problems.length > 0) throw new InvalidArguments(problems);
    const defaultTaskSpec = defaultSpecOf(args);
    const doubts = doubtsAboutAll(given, defaultTaskSpec);
    const backend = await context.openBackend();
    const retried = await failedInputs(args, backend);
    const inputs = [...given, ...retried.map(({ input }) => input)];
    const { idempotency_key: idempotencyKey, max_cost_usd: maxCostUsd } = args;
    if (args.dry_run === true) {
      const request = {
        ...(args.taskgroup_id !== undefined && { taskgroup_id: args.taskgroup_id }),
        inputs: inputs.slice(0, 3),
        ...(defaultTaskSpec && { default_task_spec: defaultTaskSpec }),
      };
      if (args.taskgroup_id !== undefined) {
        await backend.client.retrieveGroup(args.taskgroup_id, { signal: context.callerLeft });
      }
      const sent = { inputs, default_task_spec: defaultTaskSpec };
      return composeDryRun({ inputs, request, sent, doubts, backend, maxCostUsd, context });
    }
    const placed = await placeGroup(
      {
        taskgroupId: args.taskgroup_id,
        inputs,
        keys: [
          ...given.map((_input, index) => idempotencyKey && `${idempotencyKey}/${index}`),
          // A failed run is run again once, however often that is asked for.
          ...retried.map(({ runId }) => `retry/${runId}`),
        ].map((key) => key ?? null),
        defaultTaskSpec,
        metadata: args.metadata,
        idempotencyKey,
        maxCostUsd,
      },
      backend,
      context,
    );
    const { taskgroupId, batches, added, notes, trouble } = placed;
    if (
      trouble !== null &&
      batches.every(({ outcome }) => outcome === "refused" || outcome === "not_sent")
    ) {
      throw explainedBy(doubts, trouble);
    }
    const wait = boundWait(args.wait_seconds, context.waits, 0);
    const look = await lookOrKeep(backend, taskgroupId, wait.seconds, context);
    const price = costUsd(
      inputs.map(({ processor }) => processor),
      backend.prices,
    );
    return {
      summary: [startedSentence(placed, inputs.length), look.sentence].join(" ").trim(),
      next_step: nextStep(placed, idempotencyKey !== undefined, context.waits.defaultSeconds),
      taskgroup_id: oneLine(taskgroupId, 100),
      ...look.facts,
      ...(price !== null && added === inputs.length && { price_usd: price }),
      batches,
      notes: [...doubtNotes(doubts), ...notes, ...look.notes, ...ledgerNotes(backend)],
    };
  },
};

/** Looks at the group that has runs now. When that fails the caller still gets its id, which must not be lost. */
async function lookOrKeep(
  backend: Backend,
  taskgroupId: string,
  seconds: number,
  context: ToolContext,
): Promise<{ sentence: string; facts: Partial<GroupFacts>; notes: string[] }> {
  try {
    const { group, trouble } = await waitForGroup(backend, taskgroupId, seconds, context);
    const notes = trouble === null ? [] : [`The group could not be watched to the end: ${trouble}`];
    return { sentence: `${groupSentence(group)}.`, facts: describeGroup(group), notes };
  } catch (error) {
    context.callerLeft.throwIfAborted();
    context.log().warn({ err: error, taskgroup_id: taskgroupId }, "a new group cannot be watched");
    const why = error instanceof TaskApiError ? error.message : "This server failed to look.";
    return { sentence: "", facts: {}, notes: [`The group could not be looked at yet: ${why}`] };
  }
}

function startedSentence({ taskgroupId, added, batches }: PlacedGroup, asked: number): string {
  if (added === asked) return `Started ${added} runs in group ${taskgroupId}.`;
  const before = batches.some(({ outcome }) => outcome === "added_before");
  const rest = before
    ? "the others were started before, or see batches"
    : "see batches for the others";
  return `Started ${added} of ${asked} runs in group ${taskgroupId}; ${rest}.`;
}

function nextStep(
  { taskgroupId, batches }: PlacedGroup,
  isKeyed: boolean,
  seconds: number,
): string {
  const look = callText("get_task_group", { taskgroup_id: taskgroupId, wait_seconds: seconds });
  const unknown = batches.filter(({ outcome }) => outcome === "unknown");
  const unsent = batches.filter(({ outcome }) => outcome === "refused" || outcome === "not_sent");
  const ranges = (some: typeof batches) =>
    some.map(({ from, to }) => `${from} to ${to}`).join(", ");
  return [
    `Call ${look} to wait for results.`,
    ...(unknown.length === 0
      ? []
      : [
          isKeyed
            ? `Inputs ${ranges(unknown)}: call create_task_group again with the same arguments and the same idempotency_key; it looks for them and starts nothing twice.`
            : `Inputs ${ranges(unknown)}: compare the group's number of runs before you send them again; they might be billed twice.`,
        ]),
    ...(unsent.length === 0
      ? []
      : [
          // Sent without their key, they would be started a second time by the next call with it.
          isKeyed
            ? `Inputs ${ranges(unsent)} were not started: call create_task_group again with the same arguments and the same idempotency_key; it starts only what is missing.`
            : `Inputs ${ranges(unsent)} were not started: send only these again, with taskgroup_id ${taskgroupId}.`,
        ]),
  ].join(" ");
}

/** The inputs of failed runs, as the backend has them. Throws `InvalidArguments` for runs that cannot be run again. */
async function failedInputs(
  { taskgroup_id: taskgroupId, retry_run_ids: runIds = [] }: GroupArguments,
  { client }: Backend,
): Promise<{ runId: string; input: RunInput }[]> {
  if (taskgroupId === undefined || runIds.length === 0) return [];
  const wanted = new Set(runIds);
  const found: { runId: string; input: RunInput }[] = [];
  const query = { status: "failed", includeInput: true };
  for await (const event of client.streamGroupRuns(taskgroupId, query)) {
    if (event.type !== "task_run.state" || !wanted.delete(event.run.run_id)) continue;
    found.push({ runId: event.run.run_id, input: UndisputedRunInput.strip().parse(event.input) });
  }
  if (wanted.size === 0) return found;
  throw new InvalidArguments(
    [...wanted].map((runId) => ({
      argument: "retry_run_ids",
      fix: `${runId} is not a failed run of this group; leave it out`,
    })),
  );
}
