import { expect, test } from "vitest";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import type { RunInput } from "../../src/task-api/run-input.ts";
import { startTestEngine, textResult, untilAborted } from "../engine/start-test-engine.ts";
import { type Progress, backendOf, backendOn, clientKinds, connect } from "./connect.ts";

const PROFILES = ["extended", "hosted"] as const;
type Profile = (typeof PROFILES)[number];

/** An engine whose runs answer with their input; `bad …` fails, `slow …` never ends. */
async function echo(profile: Profile = "extended") {
  const inputs: RunInput[] = [];
  const engine = await startTestEngine(
    async ({ input, signal }) => {
      inputs.push(input);
      const text = typeof input.input === "string" ? input.input : JSON.stringify(input.input);
      if (text.startsWith("slow")) return untilAborted(signal);
      if (text.startsWith("bad")) throw new ExecutionFailed(`Nothing about ${text}.`);
      return textResult(`About ${text}`);
    },
    { profile },
  );
  return { engine, inputs };
}

async function connected(profile: Profile = "extended") {
  const { engine, inputs } = await echo(profile);
  const backend = await backendOn(engine, "hosted");
  return { engine, inputs, backend, client: await connect(async () => backend) };
}

test.each(clientKinds.flatMap((kind) => PROFILES.map((profile) => [kind, profile] as const)))(
  "%s, %s: a group is started, waited for with m of n, and read as a table",
  async (kind, profile) => {
    const { engine } = await echo(profile);
    const backend = await backendOn(engine, "hosted");
    const client = await connect(async () => backend, { kind });
    const created = await client.call("create_task_group", {
      inputs: ["Paris", { city: "Lyon" }, { input: "Nice", processor: "lite" }],
      output_fields: [{ name: "answer" }],
    });
    const taskgroup_id = created.report.taskgroup_id ?? "";
    expect(created.report.summary).toMatch(/^Started 3 runs\. \d of 3 runs are done/);
    // All was simply added, so there is nothing to tell of parts.
    expect(created.report.batches).toBeUndefined();
    expect(created.report.price_usd).toBe(0.025);

    const seen: Progress[] = [];
    const { report, texts } = await client.call(
      "get_task_group",
      { taskgroup_id, wait_seconds: 30 },
      { onprogress: (progress) => seen.push(progress) },
    );
    expect(report).toMatchObject({ taskgroup_id, is_active: false, counts: { completed: 3 } });
    expect(report.percent).toBeUndefined();
    expect(report.runs?.map(({ question, output }) => [question, output]).toSorted()).toEqual([
      ["Nice", "About Nice"],
      ["Paris", "About Paris"],
      ["city: Lyon", 'About {"city":"Lyon"}'],
    ]);
    expect(texts[1]).toContain("| Paris | About Paris |");
    for (const { message, total } of seen) {
      expect(total).toBe(3);
      expect(message).toMatch(/^(?:Group tgrp_\w+: )?\d of 3 runs done · /);
    }
  },
);

test("inputs get the group's defaults and keep what they bring themselves", async () => {
  const { client, inputs } = await connected();
  await client.call("create_task_group", {
    inputs: ["a", { input: "b", processor: "lite", source_policy: { include_domains: ["b.org"] } }],
    processor: "core",
    source_policy: { exclude_domains: ["x.org"] },
    metadata: { list: "cities" },
    wait_seconds: 30,
  });
  expect(inputs).toHaveLength(2);
  expect(inputs).toEqual(
    expect.arrayContaining([
      { input: "a", processor: "core", source_policy: { exclude_domains: ["x.org"] } },
      { input: "b", processor: "lite", source_policy: { include_domains: ["b.org"] } },
    ]),
  );
});

test("every problem of every input is told at once, and nothing is started", async () => {
  const { client, inputs } = await connected();
  const { isError, text } = await client.call("create_task_group", {
    inputs: ["fine", { input: 3 }, { input: "x", processor: 7, metadata: { k: {} } }],
  });
  expect(isError).toBe(true);
  expect(text).toContain("- inputs.1.input: ");
  expect(text).toContain("- inputs.2.processor: ");
  expect(text).toContain("- inputs.2.metadata.k: ");
  expect(text).toContain("No run was started.");
  const empty = await client.call("create_task_group", {});
  expect(empty.text).toContain("- inputs: required: a list of at least one input");
  expect(inputs).toEqual([]);
});

test("what a run input has holds for all inputs when it stands beside them", async () => {
  const { client, inputs } = await connected();
  const given = {
    webhook: { url: "https://example.com/hook" },
    mcp_servers: [{ url: "https://tools.example/mcp", name: "tools" }],
    advanced_settings: { location: "us" },
    enable_events: true,
    memory_scope_key: "team",
    output_schema: "One line.",
    include_domains: ["a.org"],
  };
  const { report } = await client.call("create_task_group", {
    inputs: ["a", { input: "b", enable_events: false, advanced_settings: null }],
    ...given,
    wait_seconds: 30,
  });
  expect(report.summary).not.toContain("Ignored");
  const all = {
    processor: "base",
    webhook: { url: "https://example.com/hook", event_types: ["task_run.status"] },
    mcp_servers: [{ type: "url", url: "https://tools.example/mcp", name: "tools" }],
    advanced_settings: { location: "us" },
    enable_events: true,
    memory_scope_key: "team",
    source_policy: { include_domains: ["a.org"] },
    task_spec: { output_schema: "One line." },
  };
  expect(inputs).toHaveLength(2);
  expect(inputs).toEqual(
    expect.arrayContaining([
      { ...all, input: "a" },
      { ...all, input: "b", enable_events: false },
    ]),
  );
});

test("previous_interaction_id holds for all inputs of a group", async () => {
  const { client, inputs } = await connected();
  const first = await client.call("create_task_run", { input: "first", wait_seconds: 30 });
  // None is shown that is not the run_id.
  const { run_id } = first.report;
  await client.call("create_task_group", {
    inputs: ["a"],
    previous_interaction_id: run_id,
    wait_seconds: 30,
  });
  expect(inputs[1]).toMatchObject({ input: "a", previous_interaction_id: run_id });
});

test("a row takes a field under its other names where no column of a table is meant", async () => {
  const { client, inputs } = await connected();
  const json_schema = {
    type: "object",
    properties: { year: { type: "string" } },
    required: ["year"],
    additionalProperties: false,
  };
  const rows = [
    { input: "a", output: json_schema },
    { input: "b", response_format: { type: "json_schema", json_schema: { schema: json_schema } } },
    { input: "c", include_domains: ["a.org"] },
  ];
  await client.call("create_task_group", { inputs: rows, wait_seconds: 30 });
  const task_spec = { output_schema: { type: "json", json_schema } };
  expect(inputs).toHaveLength(3);
  expect(inputs).toEqual(
    expect.arrayContaining([
      { input: "a", processor: "base", task_spec },
      { input: "b", processor: "base", task_spec },
      { input: "c", processor: "base", source_policy: { include_domains: ["a.org"] } },
    ]),
  );
});

test.each([
  ["a column named input", { input: "Acme", country: "FR" }],
  ["a column named input, and an id", { input: "Acme", id: 7, output: "x" }],
  ["a column named processor", { laptop: "X1", processor: "Intel i7" }],
  ["empty values", { city: "Lyon", note: null, tags: [] }],
])("a row of data is the input of its run: %s", async (_name, row) => {
  const { client, inputs } = await connected();
  for (const inputsGiven of [[row], [JSON.stringify(row)]]) {
    await client.call("create_task_group", { inputs: inputsGiven, wait_seconds: 30 });
    expect(inputs.pop()).toEqual({ input: row, processor: "base" });
  }
});

test.each([
  [
    "a slip",
    { input: "x", processer: "lite" },
    "inputs.0.processer: unknown here; did you mean processor?",
  ],
  ["both kinds of names", { input: "x", processor: "lite", country: "FR" }, "inputs.0.country: "],
  ["a nested slip", { input: "x", source_policy: { include_domain: ["a"] } }, "include_domains?"],
  ["a field of a run input without input", { task_spec: {}, country: "FR" }, "inputs.0.input: "],
  ["a tier without input", { question: "x", processor: "lite" }, "inputs.0.input: required"],
  ["an argument that stands beside inputs", { input: "x", output_fields: [] }, "beside inputs"],
  ["a dry run in a row", { input: "x", dryRun: true }, "inputs.0.dryRun: it stands beside inputs"],
])("a row that could be meant otherwise is refused: %s", async (_name, row, words) => {
  const { client, inputs } = await connected();
  for (const dry_run of [true, false]) {
    const { isError, text } = await client.call("create_task_group", { inputs: [row], dry_run });
    expect(isError).toBe(true);
    expect(text).toContain(words);
  }
  expect(inputs).toEqual([]);
});

test("a dry run of a group says what the engine would say to its rows, its group and its limits", async () => {
  const { client, inputs } = await connected();
  const cases = [
    [{ inputs: ["a", { input: "b", processor: "mega" }] }, "The backend refused the processor"],
    [{ inputs: ["a"], taskgroup_id: "tgrp_none" }, "No task group tgrp_none"],
    [{ inputs: ["a"], metadata: { k: {} } }, "metadata.k"],
    [{ inputs: ["a"], dryrun: true }, "did you mean dry_run?"],
    [{ inputs: [{ input: "a", advanced_settings: { location: "usa" } }] }, "inputs.0.advanced_"],
  ] as const;
  for (const [args, words] of cases) {
    for (const dry_run of [true, false]) {
      const { isError, text } = await client.call("create_task_group", { ...args, dry_run });
      expect(isError, words).toBe(true);
      expect(text).toContain(words);
    }
  }
  expect(inputs).toEqual([]);
});

test.each(PROFILES)(
  "%s: failed runs are named with reasons, and just those are run again",
  async (profile) => {
    const { client } = await connected(profile);
    const created = await client.call("create_task_group", {
      inputs: ["good", "bad one", "bad two"],
      wait_seconds: 30,
    });
    const taskgroup_id = created.report.taskgroup_id ?? "";
    expect(created.report.counts).toEqual({ completed: 1, failed: 2 });
    expect(created.report.next_step).toContain(
      'Reasons of the 2 failed: get_task_group with this taskgroup_id and view "failures".',
    );

    const { report } = await client.call("get_task_group", { taskgroup_id, view: "failures" });
    expect(report.runs?.map(({ question, error }) => [question, error])).toEqual([
      ["bad one", "Nothing about bad one."],
      ["bad two", "Nothing about bad two."],
    ]);
    expect(report.next_step).toContain(
      "create_task_group with this taskgroup_id and retry_failed true",
    );
    const wrong = await client.call("create_task_group", {
      taskgroup_id,
      retry_run_ids: ["trun_none"],
    });
    expect(wrong.isError).toBe(true);
    expect(wrong.text).toContain("trun_none is not a failed run of this group");
  },
);

test("a row that is null is refused, so that the others keep their places", async () => {
  const { client } = await connected("extended");
  const inputs = ["City 1", null, "City 3"];
  const { isError, text } = await client.call("create_task_group", { inputs });
  expect(isError).toBe(true);
  expect(text).toContain("inputs.1");
  expect(text).toContain("No run was started");
});

test.each(PROFILES)("%s: results come in pages that lead to each run once", async (profile) => {
  const { client } = await connected(profile);
  const inputs = Array.from({ length: 25 }, (_, index) => `City ${index}`);
  const { report: created } = await client.call("create_task_group", { inputs, wait_seconds: 40 });
  const { taskgroup_id } = created;
  const questions: unknown[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 5; pages += 1) {
    const { report } = await client.call("get_task_group", {
      taskgroup_id,
      view: "results",
      limit: 10,
      ...(cursor && { cursor }),
    });
    questions.push(...(report.runs ?? []).map(({ question }) => question));
    if (report.next_cursor === undefined) break;
    expect(report.runs).toHaveLength(10);
    cursor = report.next_cursor;
  }
  expect(questions).toHaveLength(25);
  expect(new Set(questions)).toEqual(new Set(inputs));
});

test("outputs too long for a table are cut there, and the page stays within budget", async () => {
  const engine = await startTestEngine(async () => textResult("word ".repeat(2_000)));
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const inputs = Array.from({ length: 40 }, (_, index) => `Item ${index}`);
  const { report: created } = await client.call("create_task_group", { inputs, wait_seconds: 40 });
  const { report, text } = await client.call("get_task_group", {
    taskgroup_id: created.taskgroup_id,
    limit: 100,
  });
  expect(report.runs?.length).toBeGreaterThan(3);
  expect(report.runs?.length).toBeLessThan(40);
  expect(report.next_step).toContain(
    "More: get_task_group with this taskgroup_id, limit 100 and cursor ",
  );
  expect(text.length + JSON.stringify(report).length).toBeLessThan(35_000);
});

test("any number of inputs goes out by the thousand; the same key sends nothing twice", async () => {
  const { client, backend } = await connected();
  const inputs = Array.from({ length: 2_300 }, (_, index) => `slow ${index}`);
  const args = { inputs, processor: "lite", idempotency_key: "list-1" };
  const { report } = await client.call("create_task_group", args);
  expect(report.summary).toContain("Started 2300 runs.");
  expect(report.price_usd).toBe(11.5);
  const again = await client.call("create_task_group", args);
  expect(again.report.taskgroup_id).toBe(report.taskgroup_id);
  expect(again.report.batches?.map(({ outcome }) => outcome)).toEqual([
    "added_before",
    "added_before",
    "added_before",
  ]);
  const group = await backend.client.retrieveGroup(report.taskgroup_id ?? "");
  expect(group.status.num_task_runs).toBe(2_300);
  const other = await client.call("create_task_group", { ...args, inputs: ["another"] });
  expect(other.isError).toBe(true);
  expect(other.text).toContain("- idempotency_key: the key belongs to another request");
});

test("a batch that fails is told as what it is, and what follows it is not sent", async () => {
  const { engine } = await echo("hosted");
  let adds = 0;
  const backend = await backendOf(async (request) => {
    const response = await engine.fetch(request);
    if (request.method !== "POST" || !request.url.endsWith("/runs")) return response;
    adds += 1;
    return adds === 2 ? new Response("lost", { status: 502 }) : response;
  }, "hosted");
  const client = await connect(async () => backend);
  const inputs = Array.from({ length: 2_500 }, (_, index) => `slow ${index}`);
  const args = { inputs, idempotency_key: "half" };
  const { report, isError } = await client.call("create_task_group", args);
  expect(isError).toBe(false);
  expect(report.batches).toEqual([
    { from: 1, to: 1_000, outcome: "added" },
    // Its answer was lost, and the group tells that its runs are there.
    { from: 1_001, to: 2_000, outcome: "added" },
    { from: 2_001, to: 2_500, outcome: "not_sent" },
  ]);
  expect(report.summary).toContain("Started 2000 of 2500 runs");
  expect(report.next_step).toContain("Inputs 2001 to 2500 were not started");

  const again = await client.call("create_task_group", args);
  expect(again.report.batches?.map(({ outcome }) => outcome)).toEqual([
    "added_before",
    "added_before",
    "added",
  ]);
  const group = await backend.client.retrieveGroup(report.taskgroup_id ?? "");
  expect(group.status.num_task_runs).toBe(2_500);
});

test("a budget counts the whole group before any of it is sent", async () => {
  const { engine } = await echo();
  const backend = await backendOn(engine, "hosted");
  const client = await connect(async () => backend, { budgetUsdPerDay: 0.05 });
  const inputs = ["1", "2", "3", "4", "5", "6"];
  const over = await client.call("create_task_group", { inputs });
  expect(over.isError).toBe(true);
  expect(over.text).toContain(
    "This would cost $0.06, and $0 of today's budget of $0.05 are spent.",
  );
  const capped = await client.call("create_task_group", { inputs, max_cost_usd: 0.01 });
  expect(capped.text).toContain("more than max_cost_usd $0.01");
  const dry = await client.call("create_task_group", { inputs: inputs.slice(1), dry_run: true });
  expect(dry.report.summary).toContain(
    "5 runs × $0.01 = $0.05 when all complete. $0.05 of today's $0.05 are left.",
  );
  const list = await client.call("list_task_runs", {});
  expect(list.report.runs).toEqual([]);
});

test("a group half done is cancelled: what is completed stays, as a second look confirms", async () => {
  const { client } = await connected("extended");
  const created = await client.call("create_task_group", {
    inputs: ["quick", "slow 1", "slow 2"],
  });
  const taskgroup_id = created.report.taskgroup_id ?? "";
  await expect
    .poll(
      async () =>
        (await client.call("get_task_group", { taskgroup_id, wait_seconds: 0 })).report.counts,
    )
    .toMatchObject({ completed: 1 });
  const { report } = await client.call("cancel_task_group", { taskgroup_id });
  expect(report).toMatchObject({
    outcome: "cancelled",
    is_active: false,
    counts: { completed: 1, cancelled: 2 },
  });
  const again = await client.call("cancel_task_group", { taskgroup_id });
  expect(again.report.outcome).toBe("already_finished");
});

test("where groups cannot be cancelled that is said, and what it costs", async () => {
  const { client } = await connected("hosted");
  const created = await client.call("create_task_group", { inputs: ["slow"] });
  const { taskgroup_id } = created.report;
  const { report } = await client.call("cancel_task_group", { taskgroup_id });
  expect(report.outcome).toBe("not_supported");
  expect(report.summary).toContain("The runs go on and are billed as they complete");
  const unknown = await client.call("cancel_task_group", { taskgroup_id: "tgrp_none" });
  expect(unknown.report.outcome).toBe("not_found");
});

test("an unknown group is an error that says what to do", async () => {
  const { client } = await connected();
  const { isError, text } = await client.call("get_task_group", { taskgroup_id: "tgrp_none" });
  expect(isError).toBe(true);
  expect(text).toContain("No task group tgrp_none is known to the backend.");
});
