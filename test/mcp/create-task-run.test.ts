import { expect, test } from "vitest";
import type { RunInput } from "../../src/task-api/run-input.ts";
import {
  deferred,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { backendOf, backendOn, clientKinds, connect } from "./connect.ts";

/** An engine that records what it was asked, and answers at once. */
async function recordingEngine() {
  const inputs: RunInput[] = [];
  const engine = await startTestEngine(async ({ input }) => {
    inputs.push(input);
    return textResult("the answer");
  });
  return { engine, inputs };
}

test.each(clientKinds)("%s: a run is started and its id returned at once", async (kind) => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal));
  const backend = await backendOn(engine);
  const client = await connect(async () => backend, { kind });
  const { report, texts, isError } = await client.call("create_task_run", { input: "Why?" });
  expect(isError).toBe(false);
  expect(report).toMatchObject({
    summary: `Started a run. Run ${report.run_id} is queued.`,
    status: "queued",
    is_active: true,
    processor: "base",
    price_usd: 0,
  });
  expect(report.next_step).toContain(
    `get_task_run {"run_id":"${report.run_id}","wait_seconds":45}`,
  );
  expect(texts).toHaveLength(1);
  expect(texts[0]).toContain(report.summary);
  expect(texts[0]).toContain(`Next: ${report.next_step}`);
});

test("only what the caller set is sent, plus the default processor and progress events", async () => {
  const { engine, inputs } = await recordingEngine();
  const backend = await backendOn(engine);
  const client = await connect(async () => backend, { defaultProcessor: "core" });
  await client.call("create_task_run", {
    input: { country: "France" },
    metadata: '{"team":"search"}',
    webhook: null,
    wait_seconds: 30,
  });
  expect(inputs).toEqual([
    {
      input: { country: "France" },
      processor: "core",
      metadata: { team: "search" },
      enable_events: true,
    },
  ]);
});

test("output_fields become a schema of strings that may be null", async () => {
  const { engine, inputs } = await recordingEngine();
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  await client.call("create_task_run", {
    input: "France",
    enable_events: false,
    output_fields: [{ name: "gdp", description: "in US dollars" }, { name: "capital" }],
    wait_seconds: 30,
  });
  expect(inputs[0]?.enable_events).toBe(false);
  expect(inputs[0]?.task_spec).toEqual({
    output_schema: {
      type: "json",
      json_schema: {
        type: "object",
        properties: {
          gdp: { type: ["string", "null"], description: "in US dollars" },
          capital: { type: ["string", "null"] },
        },
        required: ["gdp", "capital"],
        additionalProperties: false,
      },
    },
  });
});

test.each([
  [
    "JSON text",
    '{"type":"json","json_schema":{"type":"object","properties":{"a":{"type":"string"}}}}',
  ],
  ["a bare JSON Schema", { type: "object", properties: { a: { type: "string" } } }],
  ["a bare JSON Schema as text", '{"type":"object","properties":{"a":{"type":"string"}}}'],
])("an output schema written as %s is understood", async (_form, outputSchema) => {
  const { engine, inputs } = await recordingEngine();
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  await client.call("create_task_run", {
    input: "France",
    task_spec: { output_schema: outputSchema },
    wait_seconds: 30,
  });
  expect(inputs[0]?.task_spec?.output_schema).toEqual({
    type: "json",
    json_schema: { type: "object", properties: { a: { type: "string" } } },
  });
});

test("an input that looks like JSON stays the text it is", async () => {
  const { engine, inputs } = await recordingEngine();
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  await client.call("create_task_run", { input: '{"country":"France"}', wait_seconds: 30 });
  expect(inputs[0]?.input).toBe('{"country":"France"}');
});

test("every problem of the arguments is told at once, each with its fix, and nothing is sent", async () => {
  const client = await connect(() => Promise.reject(new Error("the backend was opened")));
  const { text, isError } = await client.call("create_task_run", {
    input: 3,
    processor: "",
    wait_seconds: -1,
    output_fields: [{ name: "a b" }, { name: "c" }, { name: "c" }],
    task_spec: { output_schema: { type: "json", json_schema: { type: "array" } }, extra: 1 },
    metadata: { "a key that is too long": "x" },
    source_policy: { include_domains: ["https://example.com"] },
    mcp_servers: [{ url: "nowhere" }],
    memory_scope_key: "a b",
  });
  expect(isError).toBe(true);
  const problems = text.split("\n").filter((line) => line.startsWith("- "));
  expect(problems.map((line) => line.slice(2, line.indexOf(": "))).toSorted()).toEqual([
    "input",
    "mcp_servers.0.name",
    "mcp_servers.0.url",
    "memory_scope_key",
    "metadata.a key that is too long",
    "output_fields",
    "output_fields.0.name",
    "output_fields.2.name",
    "processor",
    "source_policy.include_domains.0",
    "task_spec.extra",
    "task_spec.output_schema.json_schema.properties",
    "task_spec.output_schema.json_schema.type",
    "wait_seconds",
  ]);
  expect(text).toContain("Correct all 14 and call create_task_run again.");
});

test("an output schema the API would refuse is refused here, with the place", async () => {
  const client = await connect(() => Promise.reject(new Error("the backend was opened")));
  const { text, isError } = await client.call("create_task_run", {
    input: "France",
    task_spec: {
      output_schema: {
        type: "json",
        json_schema: {
          type: "object",
          properties: { "a/b": { type: "string", format: "date" } },
        },
      },
    },
  });
  expect(isError).toBe(true);
  expect(text).toContain("- task_spec.output_schema.json_schema.properties.a/b.format: ");
});

test("arguments nobody knows are ignored and named", async () => {
  const { engine } = await recordingEngine();
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const { report, text } = await client.call("create_task_run", {
    input: "Why?",
    wait_for_previous: true,
    proccessor: "lite",
  });
  expect(report.ignored_arguments).toEqual(["wait_for_previous", "proccessor"]);
  expect(text).toContain("ignored_arguments: wait_for_previous, proccessor");
});

test.each([
  ["embedded", { price_usd: 0 }, "The built-in engine is free."],
  [
    "hosted",
    { price_usd: 0.1, usual_seconds: { from: 120, to: 600 } },
    "On pro it costs $0.1 when it completes, and usually takes 2 min to 10 min.",
  ],
  [
    "custom",
    { price_usd: 0.1, usual_seconds: { from: 120, to: 600 } },
    "by Parallel's list; this backend's own price may differ",
  ],
] as const)(
  "a dry run on a %s backend shows the price and starts nothing",
  async (kind, price, words) => {
    const backend = await backendOf(() => Promise.reject(new Error("a request was sent")), kind);
    const client = await connect(async () => backend);
    const { report, isError } = await client.call("create_task_run", {
      input: "Why?",
      processor: "pro",
      dry_run: true,
      output_fields: [{ name: "sources" }],
    });
    expect(isError).toBe(false);
    expect(report).toMatchObject({ processor: "pro", ...price });
    expect(report.summary).toContain(words);
    expect(report.run_id).toBeUndefined();
    expect(report.warnings?.join()).toContain(
      "/task_spec/output_schema/json_schema/properties/sources",
    );
  },
);

test("with wait_seconds the answer comes along", async () => {
  const { engine } = await recordingEngine();
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const { report, texts } = await client.call("create_task_run", {
    input: "Why?",
    wait_seconds: 30,
  });
  expect(report).toMatchObject({ status: "completed", output_type: "text", output: "the answer" });
  expect(texts).toHaveLength(2);
  expect(texts[1]).toContain("the answer");
});

test("a run whose watching fails is still reported with its id", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal));
  const backend = await backendOf((request) =>
    request.method === "POST"
      ? engine.fetch(request)
      : Promise.resolve(new Response("gateway", { status: 502 })),
  );
  const client = await connect(async () => backend);
  const { report, isError, text } = await client.call("create_task_run", {
    input: "Why?",
    wait_seconds: 30,
  });
  expect(isError, text).toBe(false);
  expect(report.run_id).toMatch(/^trun_/);
  expect(report.warnings?.[0]).toContain("The backend failed (status 502).");
});

test("a create whose outcome is unknown says so and does not invite a second one", async () => {
  const backend = await backendOf(() => Promise.resolve(new Response("gateway", { status: 504 })));
  const client = await connect(async () => backend);
  const { text, isError } = await client.call("create_task_run", { input: "Why?" });
  expect(isError).toBe(true);
  expect(text).toContain("It is not known whether the run was started. Do not start it again");
});

test("a caller that leaves while the run is being created does not undo it", async () => {
  const accepted = deferred();
  const performed = deferred<string>();
  const engine = await startTestEngine(async ({ runId }) => {
    performed.resolve(runId);
    return textResult("the answer");
  });
  const backend = await backendOf(async (request) => {
    accepted.resolve();
    return engine.fetch(request);
  });
  const client = await connect(async () => backend);
  const leaving = new AbortController();
  const call = client.call("create_task_run", { input: "Why?" }, { signal: leaving.signal });
  call.catch(() => {});
  await accepted.promise;
  leaving.abort();
  await expect(call).rejects.toThrow();
  await expect(performed.promise).resolves.toMatch(/^trun_/);
});
