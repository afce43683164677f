import { expect, test } from "vitest";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOn, connect } from "./connect.ts";

/** By kind: the tool, its arguments, and what the answer says is to be written. */
const REFUSED = [
  [
    "a missing one",
    "create_task_run",
    { topic: "Why?" },
    ["topic: unknown here; remove it", "input: input is required"],
  ],
  [
    "a misspelt one",
    "create_task_run",
    { input: "q", dryrun: true },
    ["dryrun: unknown here; did you mean dry_run?"],
  ],
  [
    "a misspelt one inside",
    "create_task_run",
    { input: "q", webhook: { uri: "https://a.org" } },
    ["webhook.uri: unknown here; did you mean webhook.url?"],
  ],
  [
    "a misspelt one in a row",
    "create_task_group",
    { inputs: [{ input: "q", proccessor: "pro" }] },
    ["inputs.0.proccessor: unknown here; did you mean processor?"],
  ],
  [
    "the other kind's",
    "create_task_run",
    { inputs: ["a", "b"] },
    ["inputs: unknown here; did you mean input?"],
  ],
  ["one of a wrong type", "get_task_run", { run_id: 12 }, ["run_id: write one run_id as text"]],
  [
    "one that is no choice",
    "get_task_run",
    { run_id: "trun_1", view: "full" },
    ["view: write one of auto, status, output, basis, events"],
  ],
  [
    "a number out of range",
    "get_task_run",
    { run_id: "trun_1", wait_seconds: -1 },
    ["wait_seconds: write 0 or more seconds"],
  ],
  ["a word for a number", "list_task_runs", { limit: "many" }, ["limit: write a whole number"]],
  [
    "several at once",
    "create_task_run",
    { input: "q", max_cost: 1, wait_seconds: "soon" },
    [
      "max_cost: unknown here; did you mean max_cost_usd?",
      "wait_seconds: write a number of seconds",
    ],
  ],
  [
    "the id of a group",
    "get_task_run",
    { run_id: "tgrp_1" },
    ["this is the id of a task group", 'Call get_task_group {"taskgroup_id":"tgrp_1"}'],
  ],
  [
    "the id of a run",
    "cancel_task_group",
    { taskgroup_id: "trun_1" },
    ["this is the id of a run", 'Call cancel_task_run {"run_id":"trun_1"}'],
  ],
  [
    "one said twice",
    "create_task_run",
    { input: "q", prompt: "more" },
    ["prompt: it is another name of input, which is given too"],
  ],
] as const;

test.each(REFUSED)(
  "%s is refused before anything starts, in a dry run too",
  async (_kind, tool, args, words) => {
    const client = await connect(() => Promise.reject(new Error("the backend was opened")));
    const isCreate = tool.startsWith("create");
    for (const more of isCreate ? [{}, { dry_run: true }] : [{}]) {
      const { text, isError } = await client.call(tool, { ...args, ...more });
      expect(isError).toBe(true);
      for (const one of words) expect(text).toContain(one);
    }
  },
);

test("arguments under names that can only mean one thing are taken, those of hosts do no harm", async () => {
  const engine = await startTestEngine(async () => textResult("42"));
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const host = { session_id: "s", user_query: "q", wait_for_previous: true, _meta: {} };
  const { report, text } = await client.call("create_task_run", {
    question: "Why?",
    tier: "pro",
    wait_seconds: 20,
    ...host,
  });
  expect(report.run_id, text).toBeDefined();
  expect(report.processor).toBe("pro");
  const seen = await client.call("get_task_run", { id: report.run_id, ...host });
  expect(seen.text).toContain("42");
  const group = await client.call("create_task_group", { questions: ["a", "b"], wait_seconds: 20 });
  const id = group.report.taskgroup_id;
  const counted = await client.call("get_task_group", { group_id: id, ...host });
  expect(counted.report.taskgroup_id).toBe(id);
  const dear = await client.call("create_task_run", {
    prompt: "Why?",
    budget_usd: 1,
    dry_run: true,
  });
  expect(dear.report.request).toMatchObject({ input: "Why?" });
});
