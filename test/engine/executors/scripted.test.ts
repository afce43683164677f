import Parallel from "parallel-web";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Engine } from "../../../src/engine/engine.ts";
import { ActionRequired, type Attempt } from "../../../src/engine/executors/executor.ts";
import { serveTaskApi } from "../../../src/engine/http-api/serve.ts";
import type { ProgressEvent } from "../../../src/task-api/run-event.ts";
import { RunInput } from "../../../src/task-api/run-input.ts";
import { errorOf } from "../../client/capture.ts";
import { createManualClock } from "../../client/manual-clock.ts";
import { call } from "../call-engine.ts";
import { deferred } from "../start-test-engine.ts";
import { jumpingClock, scriptedExecutor, startScriptedEngine } from "./start-scripted-engine.ts";

const question = { input: "What was the GDP of France in 2023?", processor: "base" };
const gdpSpec = {
  output_schema: {
    type: "json",
    json_schema: {
      type: "object",
      properties: { gdp: { type: "string" }, year: { type: ["integer", "null"] } },
      required: ["gdp", "year"],
      additionalProperties: false,
    },
  },
} as const;

async function performRun(engine: Engine, input: Partial<RunInput> = {}) {
  const { body: run } = await call(engine, "/v1/tasks/runs", { ...question, ...input });
  const result = await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=20`);
  const after = await call(engine, `/v1/tasks/runs/${run.run_id}`);
  return { runId: run.run_id, run: after.body, output: result.body.output };
}

async function officialClient(engine: Engine): Promise<Parallel> {
  const server = await serveTaskApi((request) => engine.fetch(request), {
    host: "127.0.0.1",
    port: 0,
  });
  onTestFinished(() => server.close());
  return new Parallel({ apiKey: "any", baseURL: server.url, maxRetries: 0 });
}

function attempt(input: Partial<RunInput> = {}, overrides: Partial<Attempt> = {}): Attempt {
  return {
    runId: "trun_test",
    createdMs: Date.now(),
    input: RunInput.parse({ ...question, ...input }),
    previous: [],
    signal: new AbortController().signal,
    report: async () => {},
    ...overrides,
  };
}

const contentOf = async (execution: Promise<{ output: { content: unknown } }>) =>
  (await execution).output.content;

test("without a rule, a run completes at once with an answer that repeats the question", async () => {
  const engine = await startScriptedEngine("{}");
  const { run, output } = await performRun(engine);
  expect(run.status).toBe("completed");
  expect(output).toEqual({
    type: "text",
    content: "This is a scripted run. The question was: What was the GDP of France in 2023?",
    basis: [],
  });
});

test("a task with a JSON schema gets JSON that follows it, whether or not the script has any", async () => {
  const engine = await startScriptedEngine(`
    runs:
      - match: { input: text }
        outcome: { status: completed, text: An answer in words. }
      - match: { input: auto }
        outcome: { status: completed, json: auto }
      - match: { input: written }
        outcome: { status: completed, text: An answer in words., json: { gdp: "$3 trillion", year: 2023 } }
  `);
  for (const input of ["none", "text", "auto"]) {
    const { run, output } = await performRun(engine, { input, task_spec: gdpSpec });
    expect(output).toEqual({ type: "json", content: { gdp: "…", year: 0 }, basis: [] });
    expect(run.warnings).toBeUndefined();
  }
  const asked = await performRun(engine, { input: "written", task_spec: gdpSpec });
  expect(asked.output.content).toEqual({ gdp: "$3 trillion", year: 2023 });
  const notAsked = await performRun(engine, { input: "written" });
  expect(notAsked.output.content).toBe("An answer in words.");
});

test("an object alone is the answer whatever was asked for, even where the schema forbids it", async () => {
  const engine = await startScriptedEngine(`
    runs: [{ outcome: { status: completed, json: { gdp: 3 } } }]
  `);
  expect((await performRun(engine)).output).toMatchObject({ type: "json", content: { gdp: 3 } });
  const { run } = await performRun(engine, { task_spec: gdpSpec });
  expect(JSON.stringify(run.warnings)).toContain("does not follow its schema");
});

test("a basis is returned as the script has it", async () => {
  const engine = await startScriptedEngine(`
    runs:
      - outcome:
          status: completed
          text: About $3 trillion.
          basis:
            - confidence: high
              reasoning: Two sources agree on {{input}}
              citations:
                - { url: "https://example.com/{{processor}}", title: GDP, excerpts: ["3 trillion"] }
  `);
  expect((await performRun(engine)).output.basis).toEqual([
    {
      field: "output",
      confidence: "high",
      reasoning: `Two sources agree on ${question.input}`,
      citations: [{ url: "https://example.com/base", title: "GDP", excerpts: ["3 trillion"] }],
    },
  ]);
});

describe("with a source policy", () => {
  const script = `
    runs:
      - match: { input: many }
        outcome: { status: completed, sections: 1, citations: 20 }
      - outcome:
          status: completed
          text: About $3 trillion.
          basis:
            - citations:
                - { url: "https://data.example.com/gdp", published: 2023-12-31 }
                - { url: "https://www.census.gov/gdp", published: 2024-01-01 }
                - { url: "https://{{processor}}.example.org/gdp" }
                - { url: "page 3 of the printed report" }
  `;
  const [com, gov, org, paper] = [
    "https://data.example.com/gdp",
    "https://www.census.gov/gdp",
    "https://base.example.org/gdp",
    "page 3 of the printed report",
  ];

  test.each([
    ["an included domain", { include_domains: ["example.com"] }, [com]],
    ["an included suffix", { include_domains: [".gov"] }, [gov]],
    ["a domain that the run fills in", { include_domains: ["base.example.org"] }, [org]],
    ["an excluded domain", { exclude_domains: ["example.com"] }, [gov, org, paper]],
    ["an excluded suffix", { exclude_domains: [".gov", ".org"] }, [com, paper]],
    ["a date, which the source must state", { after_date: "2024-01-01" }, [gov]],
    ["the day before", { after_date: "2023-12-31" }, [com, gov]],
    ["both", { exclude_domains: [".gov"], after_date: "2023-12-31" }, [com]],
    ["nothing that the script cites", { include_domains: ["example.net"] }, []],
  ])("only what it admits is cited: %s", async (_name, source_policy, urls) => {
    const { run, output } = await performRun(await startScriptedEngine(script), { source_policy });
    const [basis] = output.basis;
    expect(basis.citations.map(({ url }: { url: string }) => url)).toEqual(urls);
    const left = 4 - urls.length;
    expect(run.warnings[0].message).toContain(`does not admit ${left} of the script's 4 citations`);
  });

  test("a policy that admits all leaves nothing out and warns of nothing", async () => {
    const source_policy = { exclude_domains: ["example.net"] };
    const { run, output } = await performRun(await startScriptedEngine(script), { source_policy });
    expect(output.basis[0].citations).toHaveLength(4);
    expect(JSON.stringify(run.warnings ?? [])).not.toContain("source_policy");
  });

  test("a made-up report refers to no citation that was left out", async () => {
    const engine = await startScriptedEngine(script);
    const source_policy = { include_domains: ["example.com/sources/7"] };
    const { output } = await performRun(engine, { input: "many", source_policy });
    expect(output.basis[0].citations).toMatchObject([{ url: "https://example.com/sources/7" }]);
    expect(new Set(output.content.match(/\[\d+\]/g))).toEqual(new Set(["[1]"]));
  });
});

test("texts are filled with the run's values, and braces of the input stay braces", async () => {
  const engine = await startScriptedEngine(`
    runs:
      - outcome:
          status: completed
          text: "{{ processor }} {{run_id}} {{other}} {{input}}"
          json: { deep: [{ id: "{{run_id}}" }] }
  `);
  const input = { country: "{{run_id}}" };
  const { runId, output } = await performRun(engine, { input });
  expect(output.content).toBe(`base ${runId} {{other}} {"country":"{{run_id}}"}`);
  const json = await performRun(engine, { task_spec: gdpSpec });
  expect(json.output.content).toEqual({ deep: [{ id: json.runId }] });
});

test("a run fails with the script's message", async () => {
  const engine = await startScriptedEngine(`
    runs: [{ outcome: { status: failed, message: "No source answers {{input}}" } }]
  `);
  const { run } = await performRun(engine);
  expect(run).toMatchObject({
    status: "failed",
    error: { message: `No source answers ${question.input}` },
  });
});

test("a stuck run is running until it is cancelled", async () => {
  const engine = await startScriptedEngine(`
    runs: [{ timeline: [{ plan: Begin }], outcome: { status: stuck } }]
  `);
  const client = await officialClient(engine);
  const run = await client.taskRun.create({ ...question, enable_events: true });
  for await (const event of await client.taskRun.events(run.run_id)) {
    // The step is told once the run is under way.
    if (event.type === "task_run.progress_msg.plan") break;
  }
  expect((await client.taskRun.retrieve(run.run_id)).status).toBe("running");
  await call(engine, `/v1/tasks/runs/${run.run_id}/cancel`, {});
  await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=20`);
  expect((await client.taskRun.retrieve(run.run_id)).status).toBe("cancelled");
});

test("a run asks for an answer from outside", async () => {
  const script = `
    runs: [{ outcome: { status: action_required, message: "Which of {{input}}?", deadline: 60 } }]
  `;
  const error = await errorOf(scriptedExecutor(script).execute(attempt({ input: "them" })));
  expect(error).toBeInstanceOf(ActionRequired);
  expect(error).toMatchObject({ message: "Which of them?", deadlineSeconds: 60 });
  const { run } = await performRun(await startScriptedEngine(script));
  expect(run).toMatchObject({ status: "action_required", is_active: false });
});

test("the event stream tells the steps in order, each at its time, with true numbers", async () => {
  const clock = createManualClock();
  const engine = await startScriptedEngine(
    `
    runs:
      - takes: 10
        timeline:
          - { at: 1, exec_status: Starting research }
          - { plan: "Look for {{input}}" }
          - { after: 1, search: "Query: GDP" }
          - { after: 1, stats: { considered: 40 } }
          - { at: 5, tool_call: Calling a tool }
          - { at: 8, stats: { progress: 66.5, read: 3, sample: ["https://example.com/a"] } }
          - { at: 9.5, result: Found it }
          - { at: 10, stats: { read: 4 } }
        outcome: { status: completed, text: Done. }
  `,
    { clock },
  );
  const client = await officialClient(engine);
  const run = await client.taskRun.create({ ...question, enable_events: true });
  const startedAt = clock.now();
  const told: unknown[] = [];
  const nextStep = async (seconds: number) => {
    await clock.until(() => clock.sleepers === 1);
    clock.advance(seconds * 1_000);
  };
  // From each step to the next; the first two are told together.
  const gaps = [0, 1, 1, 2, 3, 1.5, 0.5];
  const stats = (progress: number, considered: number, read: number | null, sample: unknown) => ({
    type: "task_run.progress_stats",
    progress_meter: progress,
    source_stats: {
      num_sources_considered: considered,
      num_sources_read: read,
      sources_read_sample: sample,
    },
  });
  const sample = ["https://example.com/a"];
  const message = (kind: string, text: string) => ({
    type: `task_run.progress_msg.${kind}`,
    message: text,
    timestamp: expect.any(String),
  });
  const stream = await client.taskRun.events(run.run_id);
  await nextStep(1);
  for await (const event of stream) {
    if (event.type === "task_run.state") continue;
    told.push({ at: (clock.now() - startedAt) / 1_000, event });
    const gap = gaps[told.length - 1] ?? 0;
    if (gap > 0) await nextStep(gap);
  }
  expect(told).toEqual([
    { at: 1, event: message("exec_status", "Starting research") },
    { at: 1, event: message("plan", `Look for ${question.input}`) },
    { at: 2, event: message("search", "Query: GDP") },
    { at: 3, event: stats(30, 40, null, null) },
    { at: 5, event: message("tool_call", "Calling a tool") },
    { at: 8, event: stats(66.5, 40, 3, sample) },
    { at: 9.5, event: message("result", "Found it") },
    { at: 10, event: stats(99, 40, 4, sample) },
  ]);
});

test.each([
  { takes: 20, seconds: 20, percent: 10 },
  { takes: 1, seconds: 4, percent: 50 },
])("a run of $takes s ends after $seconds s: never before its last step", async (expected) => {
  const clock = jumpingClock();
  const startedAt = clock.now();
  const events: ProgressEvent[] = [];
  const executor = scriptedExecutor(
    `runs: [{ takes: ${expected.takes}, timeline: [{ at: 2, stats: {} }, { at: 4, plan: x }] }]`,
    { clock },
  );
  await executor.execute(attempt({}, { report: async (event) => void events.push(event) }));
  expect(clock.now() - startedAt).toBe(expected.seconds * 1_000);
  expect(events[0]).toMatchObject({ progress_meter: expected.percent });
});

test("a cancelled run stops at once, in the middle of its waiting", async () => {
  const clock = createManualClock();
  const engine = await startScriptedEngine("defaults: { takes: 3600 }", { clock });
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  await clock.until(() => clock.sleepers === 1);
  await call(engine, `/v1/tasks/runs/${run.run_id}/cancel`, {});
  await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=20`);
  expect((await call(engine, `/v1/tasks/runs/${run.run_id}`)).body.status).toBe("cancelled");
  expect(clock.sleepers).toBe(0);
});

test("a run that ignores its cancel works on, tells nothing more, and its late result is discarded", async () => {
  const clock = createManualClock();
  const engine = await startScriptedEngine(
    `
    runs:
      - takes: 60
        ignore_cancel: true
        timeline: [{ at: 0, plan: First }, { at: 30, plan: Second }]
  `,
    { clock },
  );
  const client = await officialClient(engine);
  const run = await client.taskRun.create({ ...question, enable_events: true });
  const told: unknown[] = [];
  for await (const event of await client.taskRun.events(run.run_id)) {
    if ("message" in event) {
      told.push(event.message);
      await clock.until(() => clock.sleepers === 1);
      await call(engine, `/v1/tasks/runs/${run.run_id}/cancel`, {});
    } else if (event.type === "task_run.state" && event.run.status === "cancelling") {
      clock.advance(30_000);
      await clock.until(() => clock.sleeps.length === 2);
      expect((await client.taskRun.retrieve(run.run_id)).status).toBe("cancelling");
      clock.advance(30_000);
    }
  }
  expect(told).toEqual(["First"]);
  expect((await client.taskRun.retrieve(run.run_id)).status).toBe("cancelled");
});

test("a stuck run that ignores its cancel ends when its time is over", async () => {
  const clock = createManualClock();
  const executor = scriptedExecutor(
    "runs: [{ takes: 60, ignore_cancel: true, outcome: { status: stuck } }]",
    { clock },
  );
  const abort = new AbortController();
  const ended = errorOf(executor.execute(attempt({}, { signal: abort.signal })));
  await clock.until(() => clock.sleepers === 1);
  abort.abort(new Error("cancelled"));
  expect(clock.sleepers).toBe(1);
  clock.advance(60_000);
  expect(await ended).toMatchObject({ message: "cancelled" });
});

test("rules match on input, processor and metadata, and the first one wins", async () => {
  const executor = scriptedExecutor(`
    defaults: { outcome: { status: completed, text: default } }
    runs:
      - match: { input: France, processor: pro }
        outcome: { status: completed, text: both }
      - match: { input: "/\\"year\\":20\\\\d\\\\d/" }
        outcome: { status: completed, text: object }
      - match: { input: "/^which .* germany\\\\?$/i" }
        outcome: { status: completed, text: pattern }
      - match: { metadata: { team: 7, urgent: true } }
        outcome: { status: completed, text: labels }
      - match: { input: France }
        outcome: { status: completed, text: France }
  `);
  const answer = (input: Partial<RunInput>) => contentOf(executor.execute(attempt(input)));
  expect(await answer({ input: "GDP of France", processor: "pro" })).toBe("both");
  expect(await answer({ input: "GDP of France" })).toBe("France");
  expect(await answer({ input: "GDP of france" })).toBe("default");
  expect(await answer({ input: { country: "France", year: 2023 } })).toBe("object");
  expect(await answer({ input: "Which city is in Germany?" })).toBe("pattern");
  const metadata = { team: "7", urgent: true, more: "x" };
  expect(await answer({ input: "x", metadata })).toBe("labels");
  expect(await answer({ input: "x", metadata: { team: "7" } })).toBe("default");
});

test("nth counts every execution that the rule's other conditions fit, also those of earlier rules", async () => {
  const executor = scriptedExecutor(`
    defaults: { outcome: { status: completed, text: later } }
    runs:
      - { match: { input: GDP, nth: 1 }, outcome: { status: completed, text: first } }
      - { match: { input: GDP, nth: 2 }, outcome: { status: completed, text: second } }
  `);
  const answers: unknown[] = [];
  for (const input of ["other", "GDP", "other", "GDP", "GDP"]) {
    answers.push(await contentOf(executor.execute(attempt({ input }))));
  }
  expect(answers).toEqual(["later", "first", "later", "second", "later"]);
});

test("a pattern that backtracks without end fails the run instead of holding the process", async () => {
  const executor = scriptedExecutor('runs: [{ match: { input: "/^(a+)+$/" } }]');
  const failed = errorOf(executor.execute(attempt({ input: `${"a".repeat(50)}!` })));
  expect(await failed).toMatchObject({
    name: "ExecutionFailed",
    message: expect.stringContaining("/^(a+)+$/"),
  });
  expect(await contentOf(executor.execute(attempt({ input: "aaa" })))).toContain("aaa");
});

interface Told {
  content: unknown;
  seconds: number;
  events: ProgressEvent[];
}

async function performMany(count: number, seed?: number): Promise<Told[]> {
  const clock = jumpingClock();
  const executor = scriptedExecutor(
    `
    seed: 5
    runs:
      - takes: [2, 8]
        timeline: [{ at: 1, stats: { read: 1 } }]
        fail_share: 0.25
        fail_message: Unlucky.
        outcome: { status: completed, sections: 2, characters: 400 }
  `,
    { clock, ...(seed !== undefined && { seed }) },
  );
  const told: Told[] = [];
  for (let index = 0; index < count; index++) {
    const startedAt = clock.now();
    const events: ProgressEvent[] = [];
    const content = await executor
      .execute(attempt({}, { report: async (event) => void events.push(event) }))
      .then(({ output }) => output.content)
      .catch(String);
    told.push({ content, events, seconds: (clock.now() - startedAt) / 1_000 });
  }
  return told;
}

test("the same script, seed and order give the same outcomes, durations, events and texts", async () => {
  const once = await performMany(50);
  expect(await performMany(50)).toEqual(once);
  expect(await performMany(50, 5)).toEqual(once);
  expect(await performMany(50, 6)).not.toEqual(once);
  expect(new Set(once.map(({ seconds }) => seconds)).size).toBeGreaterThan(40);
});

test("about the share that should fail does, and durations fill their range", async () => {
  const many = await performMany(1_000);
  const failed = many.filter(({ content }) => content === "ExecutionFailed: Unlucky.").length;
  expect(failed).toBeGreaterThan(200);
  expect(failed).toBeLessThan(300);
  const seconds = many.map((told) => told.seconds);
  expect(Math.min(...seconds)).toBeGreaterThanOrEqual(2);
  expect(Math.min(...seconds)).toBeLessThan(2.1);
  expect(Math.max(...seconds)).toBeGreaterThan(7.9);
  expect(Math.max(...seconds)).toBeLessThanOrEqual(8);
});

test("a report of 2 MB with 600 citations arrives whole", async () => {
  const engine = await startScriptedEngine(`
    runs:
      - outcome: { status: completed, sections: 40, characters: 2000000, citations: 600 }
  `);
  const client = await officialClient(engine);
  const run = await client.taskRun.create({ ...question, enable_events: true });
  const { output } = await client.taskRun.result(run.run_id, { timeout: 20 });
  const content = output.type === "text" ? output.content : "";
  expect(content).toHaveLength(2_000_000);
  expect(content.match(/^## Section \d+$/gm)).toHaveLength(40);
  expect(content).toContain("[600]");
  expect(output.basis).toHaveLength(1);
  expect(output.basis[0]?.citations).toHaveLength(600);
  expect(new Set(output.basis[0]?.citations?.map(({ url }) => url)).size).toBe(600);
});

test("made-up citations are spread over the fields of a JSON output", async () => {
  const engine = await startScriptedEngine(`
    runs: [{ outcome: { status: completed, citations: 5 } }]
  `);
  const { output } = await performRun(engine, { task_spec: gdpSpec });
  expect(
    output.basis.map((basis: { field: string; citations: unknown[] }) => [
      basis.field,
      basis.citations.length,
    ]),
  ).toEqual([
    ["gdp", 3],
    ["year", 2],
  ]);
});

test.each([
  [{ sections: 7, characters: 1_234 }, 1_234, 7],
  [{ characters: 100 }, 100, 1],
  [{ sections: 3 }, 3_000, 3],
])("a made-up report of %j has exactly its size", async (size, length, sections) => {
  const executor = scriptedExecutor({ runs: [{ outcome: { status: "completed", ...size } }] });
  const content = String(await contentOf(executor.execute(attempt())));
  expect(content).toHaveLength(length);
  expect(content.match(/^## Section \d+$/gm)).toHaveLength(sections);
});

test("executors of one script share their runs; those of another script or seed have their own", () => {
  const key = (script: string, seed?: number) =>
    scriptedExecutor(script, seed === undefined ? {} : { seed }).key;
  expect(key("seed: 1")).toMatch(/^scripted:[0-9a-f]{16}$/);
  expect(key("seed: 1")).toBe(key('{ "seed": 1 }'));
  expect(key("seed: 1")).not.toBe(key("seed: 1", 2));
  expect(key("seed: 1")).not.toBe(key("{ seed: 1, runs: [{}] }"));
});

test("several runs at once each keep their own time", async () => {
  const clock = createManualClock();
  const executor = scriptedExecutor(
    `
    runs:
      - { match: { input: slow }, takes: 10 }
      - { match: { input: fast }, takes: 1 }
  `,
    { clock },
  );
  const ended: string[] = [];
  const both = deferred();
  const perform = async (input: string) => {
    await executor.execute(attempt({ input }));
    ended.push(input);
    if (ended.length === 2) both.resolve();
  };
  void perform("slow");
  void perform("fast");
  await clock.until(() => clock.sleepers === 2);
  clock.advance(1_000);
  await clock.until(() => clock.sleepers === 1);
  clock.advance(9_000);
  await both.promise;
  expect(ended).toEqual(["fast", "slow"]);
});
