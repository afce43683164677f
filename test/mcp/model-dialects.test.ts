import { expect, test } from "vitest";
import { TOOL_LIST } from "../../src/mcp/tool-list.ts";
import { type JsonObject, isJsonObject } from "../../src/task-api/task-spec.ts";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import { startTestEngine, textResult, untilAborted } from "../engine/start-test-engine.ts";
import { backendOn, clientKinds, connect } from "./connect.ts";

/** A schema inside a tool's arguments, the root included, and where it is. */
interface Found {
  place: string;
  schema: JsonObject;
  level: number;
}

function schemasIn(schema: unknown, place: string, level = 1): Found[] {
  if (!isJsonObject(schema)) throw new Error(`${place} is no schema`);
  const { properties, items } = schema;
  return [
    { place, schema, level },
    ...(isJsonObject(properties)
      ? Object.entries(properties).flatMap(([name, one]) =>
          schemasIn(one, `${place}.${name}`, level + 1),
        )
      : []),
    ...(items === undefined ? [] : schemasIn(items, `${place}[]`, level + 1)),
  ];
}

const found = TOOL_LIST.flatMap(({ name, shownInput }) => schemasIn(shownInput, name));

test("Gemini: a schema has one type, members and items that are typed, and only its keywords", () => {
  const keywords = ["type", "description", "enum", "items", "properties", "required"];
  for (const { place, schema } of found) {
    expect(keywords, place).toEqual(expect.arrayContaining(Object.keys(schema)));
    const { type, items, properties, required = [], enum: values } = schema;
    expect(["string", "number", "integer", "boolean", "array", "object"], place).toContain(type);
    // Enums are of strings only, and `items` and `properties` belong to their types.
    if (values !== undefined) expect(type, place).toBe("string");
    expect(items !== undefined, place).toBe(type === "array");
    expect(isJsonObject(properties) && Object.keys(properties).length > 0, place).toBe(
      type === "object",
    );
    expect(Object.keys(isJsonObject(properties) ? properties : {}), place).toEqual(
      expect.arrayContaining(Array.isArray(required) ? required : [null]),
    );
  }
});

test("OpenAI: a schema made strict keeps within the limits, and every argument can be set", () => {
  for (const { name, description, shownInput } of TOOL_LIST) {
    expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(description.length).toBeLessThanOrEqual(1_024);
    expect(shownInput["type"]).toBe("object");
  }
  // A strict schema closes every object, so a free one could only be sent empty.
  const free = found.filter(({ schema }) => schema["type"] === "object" && !schema["properties"]);
  expect(free).toEqual([]);
  expect(Math.max(...found.map(({ level }) => level))).toBeLessThanOrEqual(5);
  expect(JSON.stringify(TOOL_LIST)).not.toMatch(
    /"(?:allOf|not|if|then|else|dependentRequired|dependentSchemas|patternProperties|\$ref)":/,
  );
});

test("Anthropic: the arguments are an object without a union at its root, with plain names", () => {
  for (const { name, shownInput } of TOOL_LIST) {
    expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(Object.keys(shownInput)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(oneOf|anyOf|allOf)$/)]),
    );
    for (const argument of Object.keys(shownInput["properties"] ?? {})) {
      expect(argument).toMatch(/^[a-zA-Z0-9_.-]{1,64}$/);
    }
  }
});

test("no client has to choose among forms: there are no unions, constants or lists of types", () => {
  const told = JSON.stringify(found.map(({ schema }) => schema));
  expect(told).not.toMatch(/"(?:anyOf|oneOf|const)":|"type":\[/);
});

// What a client checks with is in `connect`: any answer with a field that its schema does not name fails there.
test.each(clientKinds)("%s: the output schemas name every field of real answers", async (kind) => {
  const engine = await startTestEngine(async ({ input, signal, report }) => {
    const question = typeof input.input === "string" ? input.input : "";
    if (question.startsWith("slow")) return untilAborted(signal);
    if (question.startsWith("bad")) throw new ExecutionFailed("No source answers it.");
    await report({ type: "task_run.progress_msg.plan", message: "Reading" });
    await report({
      type: "task_run.progress_stats",
      progress_meter: 40,
      source_stats: { num_sources_considered: 12, num_sources_read: 5 },
    });
    return textResult(
      question.startsWith("long") ? `# A\n\n${"word ".repeat(9_000)}` : "An answer",
    );
  });
  const backend = await backendOn(engine, "hosted");
  const client = await connect(async () => backend, { kind, budgetUsdPerDay: 100 });
  const answer = async (tool: string, args: Record<string, unknown>) => {
    const { report, isError, text } = await client.call(tool, { explanation: "added", ...args });
    expect(isError, text).toBe(false);
    expect(report.summary).toMatch(/ Ignored: explanation\.$/);
    return report;
  };
  const create = (args: Record<string, unknown>) => answer("create_task_run", args);
  await create({ input: "a", dry_run: true, output_fields: [{ name: "sources" }] });
  const { run_id: done } = await create({ input: "a", wait_seconds: 30, processor: "core" });
  const { run_id: long } = await create({ input: "long", wait_seconds: 30 });
  const { run_id: failed } = await create({ input: "bad", wait_seconds: 30 });
  const { run_id: slow } = await create({ input: "slow", memory_scope_key: "team" });
  for (const run_id of [done, long, failed, slow]) {
    for (const view of ["auto", "status", "output", "basis", "events"]) {
      await answer("get_task_run", { run_id, view, wait_seconds: 0 });
    }
  }
  await answer("get_task_run", { run_id: slow, wait_seconds: 0.05 });
  await answer("list_task_runs", { limit: 2 });
  for (const run_id of [slow, done, "trun_none"]) await answer("cancel_task_run", { run_id });
  const inputs = ["a", "bad", "slow"];
  await answer("create_task_group", { inputs, processor: "lite", dry_run: true });
  const { taskgroup_id } = await answer("create_task_group", { inputs, wait_seconds: 0.05 });
  for (const view of ["auto", "status", "results", "failures"]) {
    await answer("get_task_group", { taskgroup_id, view, wait_seconds: 0.05, limit: 1 });
  }
  for (const id of [taskgroup_id, taskgroup_id, "tgrp_none"]) {
    await answer("cancel_task_group", { taskgroup_id: id });
  }
});
