import { expect, test } from "vitest";
import { readArguments } from "../../src/mcp/arguments/read-arguments.ts";
import { createTaskGroup } from "../../src/mcp/tools/create-task-group.ts";
import { createTaskRun } from "../../src/mcp/tools/create-task-run.ts";

const read = (given: unknown) => readArguments(given, createTaskRun.input, createTaskRun);
const readGroup = (given: unknown) => readArguments(given, createTaskGroup.input, createTaskGroup);

test("objects, lists, numbers and booleans that arrive as JSON text are read", () => {
  expect(
    read({
      metadata: '{"team":"search"}',
      output_fields: '[{"name":"gdp"}]',
      wait_seconds: "12.5",
      dry_run: "true",
    }).args,
  ).toEqual({
    metadata: { team: "search" },
    output_fields: [{ name: "gdp" }],
    wait_seconds: 12.5,
    dry_run: true,
  });
});

test("JSON text inside an object, and inside JSON text, is read too", () => {
  expect(
    read({
      source_policy: '{"include_domains":"[\\"example.com\\"]"}',
      task_spec: { output_schema: '{"type":"object"}' },
      mcp_servers: [{ url: "https://a.example", name: "a", headers: '{"x-key":""}' }],
    }).args,
  ).toEqual({
    source_policy: { include_domains: ["example.com"] },
    task_spec: { output_schema: { type: "object" } },
    mcp_servers: [{ url: "https://a.example", name: "a", headers: { "x-key": "" } }],
  });
});

test("an object where text is admitted too may be written as text; any other text stays", () => {
  expect(read({ input: ' {"country":"France"}' }).args).toEqual({ input: { country: "France" } });
  expect(readGroup({ inputs: ['{"city":"Nice"}', "Lyon", "[1]"] }).args).toEqual({
    inputs: [{ city: "Nice" }, "Lyon", "[1]"],
  });
  const kept = {
    input: '{"tweet":653247040368672768}',
    processor: "12",
    metadata: "[1]",
    wait_seconds: "soon",
    dry_run: '"true"',
  };
  expect(read(kept).args).toEqual(kept);
});

test("values deeper than any schema pass through", () => {
  let deep: unknown = "end";
  for (let level = 0; level < 20_000; level += 1) deep = [deep];
  expect(read({ input: { deep } }).args).toEqual({ input: { deep } });
});

test("null, empty text, lists and objects mean not set, at every depth and for every argument", () => {
  const empty = {
    processor: "",
    output_fields: [{ name: "", description: null }],
    task_spec: { output_schema: { type: null, json_schema: {} }, input_schema: [] },
    source_policy: { include_domains: [], exclude_domains: [""], after_date: "" },
    metadata: { team: null },
    mcp_servers: [],
    enable_events: "",
    webhook: { url: "", event_types: [] },
    advanced_settings: { location: "", data_sources: { free: [], pay_per_use: null } },
    previous_interaction_id: "",
    memory_scope_key: null,
    idempotency_key: "",
    max_cost_usd: "null",
    dry_run: null,
    wait_seconds: "",
    unheard_of: null,
  };
  expect(read({ input: "Why?", ...empty })).toEqual({
    args: { input: "Why?" },
    unknown: [],
    problems: [],
  });
});

test("what is the caller's own data stays as it is, empty values included", () => {
  const input = { name: "", tags: [], note: null };
  const json_schema = {
    type: "object",
    properties: { a: { enum: ["", null], default: null }, b: { required: [] } },
  };
  const given = { input, task_spec: { output_schema: { type: "json", json_schema } } };
  expect(read(given).args).toEqual(given);
  expect(read({ input: "" }).args).toEqual({ input: "" });
  expect(readGroup({ inputs: ["", input] }).args).toEqual({ inputs: ["", input] });
  expect(read({ metadata: { note: "" } }).args).toEqual({ metadata: { note: "" } });
});

test.each([
  ["output_schema", { output_schema: "A list" }, { task_spec: { output_schema: "A list" } }],
  ["output", { output: '{"type":"auto"}' }, { task_spec: { output_schema: { type: "auto" } } }],
  [
    "the members of a task spec in an older page",
    { task_spec: { output: "A list", input: "A name" } },
    { task_spec: { output_schema: "A list", input_schema: "A name" } },
  ],
  [
    "include_domains",
    { include_domains: '["a.org"]', source_policy: { exclude_domains: ["b.org"] } },
    { source_policy: { exclude_domains: ["b.org"], include_domains: ["a.org"] } },
  ],
  ["location", { location: "us" }, { advanced_settings: { location: "us" } }],
  ["interaction_id", { interaction_id: "trun_1" }, { previous_interaction_id: "trun_1" }],
  ["webhook_url", { webhook_url: "https://a.org" }, { webhook: { url: "https://a.org" } }],
])("an argument under another name is taken: %s", (_, given, args) => {
  expect(read(given)).toEqual({ args, unknown: [], problems: [] });
});

test("the same said under two names must be the same", () => {
  const task_spec = { output_schema: "A list" };
  expect(read({ task_spec, output_schema: "A list" })).toMatchObject({
    args: { task_spec },
    problems: [],
  });
  expect(read({ task_spec, output: "A table" }).problems).toEqual([
    {
      argument: "output",
      fix: "it is another name of task_spec.output_schema, which is given too; leave one out",
    },
  ]);
});

test.each([
  ["dryrun", "dry_run"],
  ["dry-run", "dry_run"],
  ["dryRun", "dry_run"],
  ["proccessor", "processor"],
  ["max_cost", "max_cost_usd"],
  ["maxCostUsd", "max_cost_usd"],
  ["outputSchema", "task_spec.output_schema"],
  ["output_format", "task_spec.output_schema"],
  ["idempotencykey", "idempotency_key"],
  ["webhooks", "webhook"],
  ["mcpServers", "mcp_servers"],
  ["inputs", "input"],
])("%s is close to %s", (name, meant) => {
  expect(read({ [name]: 1 }).unknown).toEqual([{ name, meant }]);
});

test.each([
  "wait_for_previous",
  "waitForPreviousTools",
  "_meta",
  "explanation",
  "reasoning",
  "random_string",
  "security_risk",
  "task_progress",
  "toolCallId",
  "intent",
  "session_id",
])("%s is not: hosts add such arguments", (name) => {
  expect(read({ [name]: 1 }).unknown).toEqual([{ name, meant: null }]);
});

test("what is unknown inside an argument is a problem, with what was probably meant", () => {
  expect(
    read({
      source_policy: { include_domain: ["a.org"], depth: 3 },
      mcp_servers: [{ url: "https://a.org", name: "a", allowedTools: ["x"] }],
    }).problems,
  ).toEqual([
    {
      argument: "source_policy.include_domain",
      fix: "unknown here; did you mean source_policy.include_domains?",
    },
    { argument: "source_policy.depth", fix: "unknown here; remove it" },
    {
      argument: "mcp_servers.0.allowedTools",
      fix: "unknown here; did you mean mcp_servers.0.allowed_tools?",
    },
  ]);
});
