import { expect } from "vitest";
import {
  type Attempt,
  ExecutionFailed,
  type ExecutionResult,
} from "../../src/engine/executors/executor.ts";
import type { Profile } from "../../src/engine/http-api/profile.ts";
import type { RunReport } from "../../src/mcp/report/run-report.ts";
import type { RunInput } from "../../src/task-api/run-input.ts";
import { deferred, untilAborted } from "../engine/start-test-engine.ts";
import type { Progress, TestClient } from "./connect.ts";

/** A client of our tools, whichever SDK and transport are behind it. */
export type StoryClient = Pick<TestClient, "call">;

/** Where a story happens: a server of our tools, with a day's budget of {@link BUDGET_USD}, and the engine behind it. */
export interface StoryHost {
  profile: Profile;
  client(): StoryClient;
  /** Ends the server as a crash does and starts another on the same state folder. */
  restart(): Promise<void>;
  work: StoryWork;
}

/** Room for all stories together, and not for one of the large groups. */
export const BUDGET_USD = 5;

/** What the runs of the stories do. */
export interface StoryWork {
  execute(attempt: Attempt): Promise<ExecutionResult>;
  /** Lets the run of a question that begins with `held` go on. */
  release(question: string): void;
  /** How many runs of the question there were. */
  runsOf(question: string): number;
}

export const SOURCE = "https://data.worldbank.org/country/france";
export const STEP = "Reading the national accounts";

/**
 * Runs that answer with their question and a citation. `held …` reports a step and waits to be released, `slow …` never
 * ends, `flaky …` fails the first time it is asked, `bad …` always.
 */
export function createStoryWork(): StoryWork {
  const seen = new Map<string, number>();
  const gates = new Map<string, ReturnType<typeof deferred<void>>>();
  const gateOf = (question: string) => {
    const gate = gates.get(question) ?? deferred();
    gates.set(question, gate);
    return gate;
  };
  return {
    async execute({ input, previous, signal, report }) {
      const question = questionOf(input);
      const times = (seen.get(question) ?? 0) + 1;
      seen.set(question, times);
      if (question.startsWith("slow")) return untilAborted(signal);
      if (question.startsWith("bad") || (question.startsWith("flaky") && times === 1)) {
        throw new ExecutionFailed(`No source answers "${question}".`);
      }
      if (question.startsWith("held")) {
        await report({
          type: "task_run.progress_stats",
          progress_meter: 40,
          source_stats: { num_sources_considered: 12, num_sources_read: 5 },
        });
        await report({ type: "task_run.progress_msg.plan", message: STEP });
        await gateOf(question).promise;
      }
      const [before] = previous.toReversed();
      const answer = `About ${question}${before === undefined ? "" : ` after ${questionOf(before)}`}`;
      const citations = [{ url: SOURCE, title: "France | Data", excerpts: ["3.05 trillion"] }];
      const schema = input.task_spec?.output_schema;
      const isJson = typeof schema === "object" && schema.type === "json";
      const field = isJson ? "answer" : "output";
      const basis = [{ field, reasoning: "It is published there.", confidence: "high", citations }];
      return {
        output: isJson
          ? { type: "json", content: { answer }, basis }
          : { type: "text", content: answer, basis },
        warnings: [],
      };
    },
    release: (question) => gateOf(question).resolve(),
    runsOf: (question) => seen.get(question) ?? 0,
  };
}

/** The question of a run as text. */
export function questionOf({ input }: Pick<RunInput, "input">): string {
  return typeof input === "string" ? input : JSON.stringify(input);
}

export interface Story {
  name: string;
  tell(host: StoryHost): Promise<void>;
}

/** The call that a next step names, with its arguments; `ids` are those that the answer has on a line of their own. */
export function suggestedCall(
  nextStep: string,
  tool: string,
  ids: object = {},
): Record<string, unknown> {
  const [, json] = new RegExp(`${tool} (\\{.*?\\})(?=[ .,;)]|$)`).exec(nextStep) ?? [];
  if (json !== undefined) return JSON.parse(json);
  const words = nextStep.slice(nextStep.indexOf(`${tool} with this `));
  const [, id = "none"] = /^\w+ with this (\w+)/.exec(words) ?? [];
  const known = new Map(Object.entries(ids)).get(id);
  if (known === undefined) throw new Error(`"${nextStep}" names no call of ${tool}`);
  const [, others = ""] =
    /^\w+ with this \w+((?:(?:,| and) \w+ (?:"[^"]*"|\d+|true|\[.*?\]))*)/.exec(words) ?? [];
  const args = [...others.matchAll(/(?:,| and) (\w+) ("[^"]*"|\d+|true|\[.*?\])/g)];
  return {
    [id]: known,
    ...Object.fromEntries(args.map(([, name, value = ""]) => [name, JSON.parse(value)])),
  };
}

export const STORIES: readonly Story[] = [
  {
    name: "from a question to an id, progress, and an answer with citations",
    async tell({ client, work }) {
      const question = "held: what is the GDP of France?";
      const created = await client().call("create_task_run", { input: question });
      expect(created.report).toMatchObject({ is_active: true, processor: "base", price_usd: 0.01 });
      const { run_id } = created.report;
      const next = suggestedCall(created.report.next_step, "get_task_run", { run_id });
      expect(next).toMatchObject({ run_id });

      const seen: Progress[] = [];
      const answer = await client().call("get_task_run", next, {
        onprogress(progress) {
          seen.push(progress);
          if (progress.message?.includes(STEP) === true) work.release(question);
        },
      });
      expect(answer.report).toMatchObject({
        run_id,
        status: "completed",
        output: `About ${question}`,
        citations: [{ url: SOURCE }],
      });
      expect(answer.text).toContain(`About ${question}`);
      expect(answer.text).toContain(SOURCE);
      expect(seen[0]?.message).toContain(run_id);
      expect(seen.every(({ total }) => total === 100)).toBe(true);
      const meter = seen.map(({ progress }) => progress);
      expect(meter).toEqual([...new Set(meter)].toSorted((a, b) => a - b));
      expect(Math.max(...meter)).toBeGreaterThanOrEqual(40);
    },
  },
  {
    name: "structured output field by field, and its basis",
    async tell({ client }) {
      const { report } = await client().call("create_task_run", {
        input: { country: "France" },
        output_fields: [{ name: "answer", description: "in one line" }],
        wait_seconds: 30,
      });
      const answer = 'About {"country":"France"}';
      expect(report).toMatchObject({ output: { answer } });
      const { run_id } = report;
      const one = await client().call("get_task_run", { run_id, field: "answer" });
      expect(one.report.output).toBe(answer);
      const basis = await client().call("get_task_run", { run_id, view: "basis" });
      expect(basis.report.basis).toMatchObject([
        { field: "answer", confidence: "high", citations: [{ url: SOURCE }] },
      ]);
    },
  },
  {
    name: "a follow-up that knows what was asked before",
    async tell({ client }) {
      const first = await client().call("create_task_run", {
        input: "the capital of Spain",
        wait_seconds: 30,
      });
      const second = await client().call("create_task_run", {
        input: "its mayor",
        // None is shown that is not the run_id.
        previous_interaction_id: first.report.run_id,
        wait_seconds: 30,
      });
      expect(second.report.output).toBe("About its mayor after the capital of Spain");
    },
  },
  {
    name: "a group, its failures with reasons, and just those run again",
    async tell({ client }) {
      const { report: created } = await client().call("create_task_group", {
        inputs: ["Paris in a group", "flaky Lyon", "flaky Nice"],
        output_fields: [{ name: "answer" }],
        wait_seconds: 30,
      });
      const { taskgroup_id } = created;
      expect(created.counts).toEqual({ completed: 1, failed: 2 });
      const failures = await client().call("get_task_group", { taskgroup_id, view: "failures" });
      expect(failures.report.runs?.map(({ error }) => error).toSorted()).toEqual([
        'No source answers "flaky Lyon".',
        'No source answers "flaky Nice".',
      ]);
      const retry = suggestedCall(failures.report.next_step, "create_task_group", failures.report);
      const again = await client().call("create_task_group", { ...retry, wait_seconds: 30 });
      expect(again.report.counts).toEqual({ completed: 3 });
      const results = await client().call("get_task_group", { taskgroup_id });
      expect(results.report.runs?.map(({ output }) => output)).toEqual(
        expect.arrayContaining([{ answer: "About flaky Lyon" }, { answer: "About flaky Nice" }]),
      );
      expect(results.text).toContain("| flaky Nice |");
    },
  },
  {
    name: "earlier runs found again by their words, page by page",
    async tell({ client }) {
      const ids: unknown[] = [];
      for (const input of ["zebra one", "zebra two", "zebra three"]) {
        ids.unshift((await client().call("create_task_run", { input })).report.run_id);
      }
      const found: unknown[] = [];
      let args: Record<string, unknown> | null = { text: "ZEBRA", limit: 2 };
      while (args !== null) {
        const { report }: { report: RunReport } = await client().call("list_task_runs", args);
        found.push(...(report.runs ?? []).map(({ run_id }) => run_id));
        args = report.next_cursor === undefined ? null : { ...args, cursor: report.next_cursor };
      }
      expect(found).toEqual(ids);
    },
  },
  {
    name: "a cancel that says what the backend can do, and what a second look confirms",
    async tell({ client, profile }) {
      const { report: created } = await client().call("create_task_run", { input: "slow run" });
      const { run_id } = created;
      const cancelled = await client().call("cancel_task_run", { run_id });
      const look = await client().call("get_task_run", { run_id, wait_seconds: 0 });
      const group = await client().call("create_task_group", { inputs: ["slow group"] });
      const ofGroup = await client().call("cancel_task_group", {
        taskgroup_id: group.report.taskgroup_id,
      });
      if (profile === "extended") {
        expect(cancelled.report.outcome).toBe("cancelled");
        expect(look.report).toMatchObject({ status: "cancelled", is_active: false });
        expect(ofGroup.report).toMatchObject({ outcome: "cancelled", counts: { cancelled: 1 } });
      } else {
        expect(cancelled.report.outcome).toBe("not_supported");
        expect(cancelled.text).toContain("goes on");
        expect(look.report.is_active).toBe(true);
        expect(ofGroup.report).toMatchObject({ outcome: "not_supported", is_active: true });
      }
      const unknown = await client().call("cancel_task_run", { run_id: "trun_none" });
      expect(unknown.report.outcome).toBe("not_found");
    },
  },
  {
    name: "a dry run that shows the price and starts nothing",
    async tell({ client, work }) {
      const { report } = await client().call("create_task_run", {
        input: "a dry question",
        processor: "pro",
        dry_run: true,
      });
      expect(report).toMatchObject({ price_usd: 0.1, request: { input: "a dry question" } });
      expect(report.run_id).toBeUndefined();
      const { report: list } = await client().call("list_task_runs", { text: "a dry question" });
      expect(list.runs).toEqual([]);
      expect(work.runsOf("a dry question")).toBe(0);
    },
  },
  {
    name: "what costs too much is refused before it starts, with the sum so far",
    async tell({ client, work }) {
      const { report: before } = await client().call("list_task_runs", {});
      const inputs = ["a dear question", "a dear question too", "a third dear question"];
      const refused = await client().call("create_task_group", { inputs, processor: "ultra8x" });
      expect(refused.isError).toBe(true);
      expect(refused.text).toContain(
        `This would cost $7.2, and $${before.spending?.today_usd} of today's budget of $${BUDGET_USD} are spent.`,
      );
      const capped = await client().call("create_task_run", {
        input: "a dear question",
        processor: "pro",
        max_cost_usd: 0.05,
      });
      expect(capped.isError).toBe(true);
      expect(capped.text).toContain("This would cost $0.1, more than max_cost_usd $0.05.");
      const { report: after } = await client().call("list_task_runs", { text: "dear question" });
      expect(after.runs).toEqual([]);
      expect(work.runsOf("a dear question")).toBe(0);
    },
  },
  {
    name: "the same idempotency key leads to the same run after a crash of the server",
    async tell({ client, restart, work }) {
      const args = { input: "asked twice", idempotency_key: "story-1" };
      const first = await client().call("create_task_run", args);
      const list = { inputs: ["twice a", "twice b"], idempotency_key: "story-2", wait_seconds: 30 };
      const group = await client().call("create_task_group", list);
      await restart();
      const second = await client().call("create_task_run", { ...args, wait_seconds: 30 });
      expect(second.report).toMatchObject({
        run_id: first.report.run_id,
        output: "About asked twice",
      });
      expect(second.report.summary).toContain("No second run was started");
      expect(work.runsOf("asked twice")).toBe(1);
      const sameGroup = await client().call("create_task_group", list);
      expect(sameGroup.report).toMatchObject({
        taskgroup_id: group.report.taskgroup_id,
        counts: { completed: 2 },
        batches: [{ outcome: "added_before" }],
      });
      const other = await client().call("create_task_run", { ...args, input: "another" });
      expect(other.isError).toBe(true);
      expect(other.text).toContain("- idempotency_key: the key belongs to another request");
    },
  },
  {
    name: "mistakes that say what to do",
    async tell({ client }) {
      const unknown = await client().call("get_task_run", { run_id: "trun_none" });
      expect(unknown.isError).toBe(true);
      expect(unknown.text).toContain("No run trun_none is known to the backend.");
      const wrong = await client().call("create_task_run", {
        metadata: { k: {} },
        wait_seconds: -1,
      });
      expect(wrong.isError).toBe(true);
      expect(wrong.text).toContain("- input: ");
      expect(wrong.text).toContain("Correct all 3 and call create_task_run again.");
      const failed = await client().call("create_task_run", { input: "bad", wait_seconds: 30 });
      expect(failed.isError).toBe(false);
      expect(failed.report).toMatchObject({
        status: "failed",
        error: 'No source answers "bad".',
      });
    },
  },
];
