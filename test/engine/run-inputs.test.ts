import { expect, test } from "vitest";
import type { ConversationTurn } from "../../src/engine/executors/executor.ts";
import { ActionRequired } from "../../src/engine/executors/executor.ts";
import { call } from "./call-engine.ts";
import { startTestEngine, textResult } from "./start-test-engine.ts";

const question = { input: "What was the GDP of France in 2023?", processor: "base" };

test("a follow-up gets the questions and answers before it, oldest first", async () => {
  const conversations: (readonly ConversationTurn[])[] = [];
  const engine = await startTestEngine(async ({ input, previous }) => {
    conversations.push(previous);
    return textResult(`answer to ${JSON.stringify(input.input)}`);
  });
  const ask = async (input: string, previous?: string) => {
    const { body } = await call(engine, "/v1/tasks/runs", {
      ...question,
      input,
      ...(previous !== undefined && { previous_interaction_id: previous }),
    });
    await call(engine, `/v1/tasks/runs/${body.run_id}/result?timeout=10`);
    return String(body.interaction_id);
  };
  const first = await ask("first");
  const second = await ask("second", first);
  await ask("third", second);
  expect(conversations.map((previous) => previous.map(({ input }) => input))).toEqual([
    [],
    ["first"],
    ["first", "second"],
  ]);
  expect(conversations.at(-1)?.at(-1)?.output.content).toBe('answer to "second"');
});

test("an unknown previous_interaction_id is refused with what to do", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const answer = await call(engine, "/v1/tasks/runs", {
    ...question,
    previous_interaction_id: "trun_nope",
  });
  expect(answer.status).toBe(422);
  expect(answer.body.error.message).toMatch(/previous_interaction_id: no run has/);
});

test("settings without an effect here are accepted, kept, and answered with a warning", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const settings = { memory_scope_key: "team", advanced_settings: { location: "fr" } };
  const { status, body } = await call(engine, "/v1/tasks/runs", { ...question, ...settings });
  expect(status).toBe(202);
  expect(body.warnings.map(({ message }: { message: string }) => message)).toEqual([
    "memory_scope_key has no effect on this engine",
    "advanced_settings.location has no effect on this engine",
  ]);
  const stored = await call(engine, `/v1/tasks/runs/${body.run_id}/input`);
  expect(stored.body).toMatchObject(settings);
});

test("an input that does not follow its own schema is a warning", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const { body } = await call(engine, "/v1/tasks/runs", {
    ...question,
    input: { country: 7 },
    task_spec: {
      output_schema: "the GDP",
      input_schema: {
        type: "json",
        json_schema: { type: "object", properties: { country: { type: "string" } } },
      },
    },
  });
  expect(body.warnings).toEqual([
    expect.objectContaining({
      type: "input_validation_warning",
      message: expect.stringContaining("/country must be string"),
    }),
  ]);
});

test("an output that departs from its schema says where", async () => {
  const engine = await startTestEngine(async () => ({
    output: { type: "json", content: { gdp: "much", extra: 1 }, basis: [] },
    warnings: [],
  }));
  const { body: run } = await call(engine, "/v1/tasks/runs", {
    ...question,
    task_spec: {
      output_schema: {
        type: "json",
        json_schema: {
          type: "object",
          properties: { gdp: { type: "number" } },
          required: ["gdp"],
          additionalProperties: false,
        },
      },
    },
  });
  const { body } = await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
  const messages = body.run.warnings.map(({ message }: { message: string }) => message).join();
  expect(messages).toContain("/gdp must be number");
  expect(messages).toContain("must NOT have additional properties");
});

test("a run that needs an answer from outside waits, and is not active", async () => {
  const engine = await startTestEngine(async () => {
    throw new ActionRequired("Which France?", { deadlineSeconds: 60 });
  });
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  const path = `/v1/tasks/runs/${run.run_id}`;
  expect((await call(engine, `${path}/result?timeout=10`)).status).toBe(404);
  expect((await call(engine, path)).body).toMatchObject({
    status: "action_required",
    is_active: false,
    warnings: [{ type: "warning", message: "Which France?" }],
  });
});

test("a run that waits for an answer can be cancelled", async () => {
  const engine = await startTestEngine(async () => {
    throw new ActionRequired("Which France?", { deadlineSeconds: 60 });
  });
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
  const cancelled = await call(engine, `/v1/tasks/runs/${run.run_id}/cancel`, {});
  expect(cancelled.body.status).toBe("cancelled");
});
