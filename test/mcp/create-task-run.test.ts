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
    summary: "Started 1 run. It is queued.",
    status: "queued",
    is_active: true,
    processor: "base",
  });
  expect(report).not.toHaveProperty("price_usd");
  expect(report.next_step).toContain("get_task_run with this run_id and wait_seconds 45");
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

const jsonSchema = { type: "object", properties: { a: { type: "string" } } };

test.each([
  [
    "another API's wrapper",
    { type: "json_schema", json_schema: { name: "x", schema: jsonSchema } },
  ],
  [
    "every member filled in",
    { type: "json", json_schema: JSON.stringify(jsonSchema), description: null },
  ],
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

test.each([
  ["a top-level output_schema", { output_schema: { type: "json", json_schema: jsonSchema } }],
  ["output", { output: jsonSchema }],
  ["output with its type", { output_type: "json", output: JSON.stringify(jsonSchema) }],
  ["json_schema", { json_schema: jsonSchema }],
  ["response_format", { response_format: { type: "json_schema", json_schema: jsonSchema } }],
])("%s is the output schema of the run", async (_form, args) => {
  const { engine, inputs } = await recordingEngine();
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const { report } = await client.call("create_task_run", {
    input: "France",
    wait_seconds: 30,
    ...args,
  });
  expect(inputs[0]?.task_spec).toEqual({
    output_schema: { type: "json", json_schema: jsonSchema },
  });
  expect(report.summary).not.toContain("Ignored");
});

test.each([
  ["text", { output_type: "text" }, { type: "text" }],
  ["auto", { output_type: "auto" }, { type: "auto" }],
  ["a description", { output_schema: "One line." }, "One line."],
  ["a null description", { output_schema: { type: "text", description: null } }, { type: "text" }],
])("an output of %s is asked for", async (_name, args, outputSchema) => {
  const { engine, inputs } = await recordingEngine();
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  await client.call("create_task_run", { input: "France", wait_seconds: 30, ...args });
  expect(inputs[0]?.task_spec).toEqual({ output_schema: outputSchema });
});

test.each([
  ["dryrun", { dryrun: true }, "- dryrun: unknown here; did you mean dry_run?"],
  ["proccessor", { proccessor: "lite" }, "- proccessor: unknown here; did you mean processor?"],
  ["outputSchema", { outputSchema: {} }, "did you mean task_spec.output_schema?"],
  [
    "include_domain",
    { source_policy: { include_domain: ["a.org"] } },
    "- source_policy.include_domain: unknown here; did you mean source_policy.include_domains?",
  ],
  ["an output_type without fields", { output_type: "json" }, "- output_type: json needs to know"],
  [
    "an output_type that contradicts the schema",
    { output_type: "text", output_schema: jsonSchema },
    "- output_type: it says text and the schema asks for json",
  ],
])("%s is refused before anything is sent, in a dry run too", async (_name, args, words) => {
  const client = await connect(() => Promise.reject(new Error("the backend was opened")));
  for (const dry_run of [false, true]) {
    const { text, isError } = await client.call("create_task_run", {
      input: "Why?",
      dry_run,
      ...args,
    });
    expect(isError).toBe(true);
    expect(text).toContain(words);
    expect(text).toContain("No run was started.");
  }
});

test("a webhook without events is called when the run ends", async () => {
  const { engine, inputs } = await recordingEngine();
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  await client.call("create_task_run", {
    input: "Why?",
    webhook: { url: "https://example.com/hook" },
    wait_seconds: 30,
  });
  expect(inputs[0]?.webhook).toEqual({
    url: "https://example.com/hook",
    event_types: ["task_run.status"],
  });
});

test("an object of named inputs may be written as JSON text, as the tool list shows it", async () => {
  const { engine, inputs } = await recordingEngine();
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  await client.call("create_task_run", { input: '{"country":"France"}', wait_seconds: 30 });
  expect(inputs[0]?.input).toEqual({ country: "France" });
});

test("every problem of the arguments is told at once, each with its fix, and nothing is sent", async () => {
  const client = await connect(() => Promise.reject(new Error("the backend was opened")));
  const { text, isError } = await client.call("create_task_run", {
    input: 3,
    processor: 7,
    wait_seconds: -1,
    output_fields: [{ name: "a b" }, { name: "c" }, { name: "c" }],
    task_spec: { output_schema: { type: "json", json_schema: { type: "array" } }, extra: 1 },
    metadata: { team: {} },
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
    "metadata.team",
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
          properties: { "a/b": { type: "null" } },
        },
      },
    },
  });
  expect(isError).toBe(true);
  expect(text).toContain("- task_spec.output_schema.json_schema.properties.a/b.type: ");
});

test("arguments nobody knows are ignored and named", async () => {
  const { engine } = await recordingEngine();
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const { report, text } = await client.call("create_task_run", {
    input: "Why?",
    wait_for_previous: true,
    toolSummary: "asks",
  });
  expect(report.summary).toMatch(/ Ignored: wait_for_previous, toolSummary\.$/);
  expect(text.split("\n")[0]).toBe(report.summary);
});

/** A backend that takes everything, with the requests it got. */
async function generousBackend() {
  const bodies: unknown[] = [];
  const run = {
    run_id: "trun_1",
    interaction_id: "trun_1",
    status: "queued",
    is_active: true,
    processor: "base",
    created_at: null,
    modified_at: null,
  };
  const backend = await backendOf(async (request) => {
    if (request.method !== "POST") return new Response("{}", { status: 404 });
    bodies.push(await request.json());
    return Response.json(run, { status: 202 });
  }, "hosted");
  return { backend, bodies };
}

const disputed = {
  input: "",
  metadata: { "a-key-of-17-chars": "x", k: "x".repeat(513) },
  source_policy: { include_domains: ["*.gov"] },
  advanced_settings: { location: "usa" },
  task_spec: {
    output_schema: {
      type: "json",
      json_schema: {
        type: "object",
        properties: {
          name: { type: "string", minLength: 1, pattern: "^A", format: "date" },
          age: { oneOf: [{ type: "integer" }, { type: "null" }] },
        },
        required: ["name", "age"],
        additionalProperties: false,
      },
    },
  },
};
const DOUBTS = [
  "input: ask a question",
  "metadata.a-key-of-17-chars: a metadata key has at most 16 characters",
  "metadata.k: a metadata value has at most 512 characters",
  "source_policy.include_domains.0: write a plain domain",
  "advanced_settings.location: write an ISO 3166-1",
  'name.minLength: "minLength" is not supported',
  'name.pattern: "pattern" is not supported',
  'name.format: "format" is not supported',
];

test("rules that sources disagree on are the backend's: the request is sent, with warnings", async () => {
  const { backend, bodies } = await generousBackend();
  const client = await connect(async () => backend);
  const { report, isError, text } = await client.call("create_task_run", disputed);
  expect(isError, text).toBe(false);
  expect(report.run_id).toBe("trun_1");
  expect(bodies).toMatchObject([disputed]);
  for (const doubt of DOUBTS) expect(report.notes?.join("\n")).toContain(doubt);
  expect(report.notes).toHaveLength(DOUBTS.length);
  const dry = await client.call("create_task_run", { ...disputed, dry_run: true });
  expect(dry.isError).toBe(false);
  for (const doubt of DOUBTS) expect(dry.report.notes?.join("\n")).toContain(doubt);
  expect(dry.report.summary).toContain("the backend may refuse what the notes name");
  expect(bodies).toHaveLength(1);
});

test("a request that such a rule has refused is explained by it, in a dry run too", async () => {
  const { engine, inputs } = await recordingEngine();
  const backend = await backendOn(engine, "custom");
  const client = await connect(async () => backend);
  for (const dry_run of [true, false]) {
    const { isError, text } = await client.call("create_task_run", { ...disputed, dry_run });
    expect(isError).toBe(true);
    expect(text).toContain("No run was started.");
    for (const doubt of DOUBTS) expect(text).toContain(doubt);
  }
  expect(inputs).toEqual([]);
});

test.each([
  ["an unknown processor", { processor: "mega" }, "The backend refused the processor"],
  ["an unknown interaction", { previous_interaction_id: "trun_none" }, "no run has this"],
  ["a webhook of the engine's own network", { webhook: { url: "https://127.0.0.1" } }, "webhook"],
])("a dry run says what the engine would say to %s", async (_name, args, words) => {
  const { engine, inputs } = await recordingEngine();
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const wanted = { input: "Why?", ...args };
  const dry = await client.call("create_task_run", { ...wanted, dry_run: true });
  const real = await client.call("create_task_run", wanted);
  expect(real.isError).toBe(true);
  expect(dry.isError).toBe(true);
  expect(dry.texts[0]).toBe(real.texts[0]);
  expect(dry.text).toContain(words);
  expect(inputs).toEqual([]);
});

test("a dry run warns of what the engine would warn of, and keeps to the budget", async () => {
  const { engine } = await recordingEngine();
  const backend = await backendOn(engine, "hosted");
  const client = await connect(async () => backend, { budgetUsdPerDay: 0.05 });
  const args = { input: "Why?", memory_scope_key: "team", dry_run: true };
  const { report } = await client.call("create_task_run", args);
  expect(report.warnings?.join()).toContain("memory_scope_key has no effect on this engine");
  const dear = await client.call("create_task_run", { ...args, processor: "pro" });
  expect(dear.text).toContain("This would cost $0.1, and $0 of today's budget of $0.05 are spent.");
});

test("a processor that no source knows is sent, with the one that was probably meant", async () => {
  const { backend, bodies } = await generousBackend();
  const client = await connect(async () => backend);
  const { report } = await client.call("create_task_run", { input: "Why?", processor: "ultra3x" });
  expect(bodies).toMatchObject([{ processor: "ultra3x" }]);
  expect(report.notes?.[0]).toMatch(/^processor: .*did you mean ultra/);
});

test.each([
  ["embedded", {}, "Free."],
  [
    "hosted",
    { price_usd: 0.1, usual_seconds: { from: 120, to: 600 } },
    "It costs $0.1 when it completes.",
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
    expect(report.notes?.join()).toContain(
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
  expect(report).toMatchObject({ status: "completed", output: "the answer" });
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
  expect(report.notes?.[0]).toContain("The backend failed (status 502).");
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
