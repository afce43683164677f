import { expect, test } from "vitest";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { FILES, startHostEngine } from "../engine/executors/start-host-engine.ts";
import { backendOn, connect, type TestClient } from "./connect.ts";

const SCHEMA = {
  type: "json",
  json_schema: {
    type: "object",
    properties: {
      introduced: { type: "integer", description: "Year of introduction" },
      designer: { type: ["string", "null"] },
      colour: { type: ["string", "null"] },
    },
    required: ["introduced", "designer", "colour"],
    additionalProperties: false,
  },
};

async function startAsking(options: Parameters<typeof startHostEngine>[0] = {}) {
  const engine = await startHostEngine(options);
  const backend = await backendOn(engine);
  const client = await connect(async () => backend, { catalogBackend: "host" });
  return { engine, client };
}

async function ask(client: TestClient, args: Record<string, unknown> = {}) {
  const asked = await client.call("create_task_run", {
    input: "When was the Kestrel pump introduced, and by whom?",
    task_spec: { output_schema: SCHEMA },
    wait_seconds: 30,
    ...args,
  });
  return { run_id: asked.report.run_id ?? "", asked };
}

const idOf = (report: { evidence?: Record<string, unknown>[] | undefined }, text: string) =>
  String(report.evidence?.find((passage) => String(passage["text"]).includes(text))?.["id"]);

test("question, evidence, answer, verified citations", async () => {
  const { client } = await startAsking();
  const { run_id, asked } = await ask(client);
  expect(asked.report).toMatchObject({
    status: "action_required",
    question_asked: "When was the Kestrel pump introduced, and by whom?",
    answer_form: { output_schema: SCHEMA.json_schema, tries_left: 3, queries_left: 3 },
  });
  expect(asked.report.summary).toContain("waits for you to write the answer");
  expect(asked.report.next_step).toContain("submit_task_answer with this run_id");
  expect(asked.texts[0]).not.toContain("Orla");
  expect(asked.texts[1]).toContain("Orla Brandt");
  const passage = idOf(asked.report, "Orla");
  const { report, isError, text } = await client.call("submit_task_answer", {
    run_id,
    output: { introduced: 1987, designer: "Orla Brandt", colour: null },
    citations: { introduced: [passage], designer: ["was introduced in 1987 by Orla Brandt"] },
  });
  expect(isError, text).toBe(false);
  expect(report).toMatchObject({
    status: "completed",
    output: { introduced: 1987, designer: "Orla Brandt", colour: null },
  });
  expect(report.summary).toBe("The answer was accepted. It is completed.");
  expect(report.warnings?.join()).toContain("written by the agent");
  const basis = await client.call("get_task_run", { run_id, view: "basis" });
  expect(basis.report.basis).toMatchObject([
    {
      field: "introduced",
      confidence: "medium",
      citations: [{ excerpts: ["The Kestrel pump was introduced in 1987 by Orla Brandt."] }],
    },
    {
      field: "designer",
      confidence: "medium",
      citations: [{ excerpts: ["was introduced in 1987 by Orla Brandt"] }],
    },
    { field: "colour", confidence: "low" },
  ]);
});

test("what fails comes back as a list to mend, and the third failure ends the run", async () => {
  const { client } = await startAsking();
  const { run_id } = await ask(client);
  const wrong = {
    run_id,
    output: { introduced: "1987", designer: "Orla Brandt", colour: "red" },
    citations: {
      introduced: ["p9.9"],
      designer: ["was introduced in 1978 by Orla Brandt"],
      price: ["p1.1"],
    },
  };
  const first = await client.call("submit_task_answer", wrong);
  expect(first.isError).toBe(true);
  expect(first.text.split("\n").filter((line) => line.startsWith("- "))).toEqual([
    "- output: /introduced must be integer",
    "- citations.introduced.0: the run has no passage p9.9; use an id of the evidence, or a quote",
    "- citations.designer.0: the evidence has similar words, but with another number, negation or word; copy its words, or cite the id",
    "- citations.price: the output has no such field; its fields are: introduced, designer, colour",
    "- citations.colour: cite passages or quotes for colour; [] says that no evidence supports it",
  ]);
  expect(first.text).toContain("2 tries are left");
  await client.call("submit_task_answer", wrong);
  const last = await client.call("submit_task_answer", wrong);
  expect(last.text).toContain("The run takes no answer any more");
  const { report } = await client.call("get_task_run", { run_id });
  expect(report.status).toBe("failed");
  expect(report.error).toContain("not accepted 3 times");
});

test("queries bring more evidence, as many as the processor has", async () => {
  const { client } = await startAsking();
  const { run_id, asked } = await ask(client, { processor: "lite" });
  expect(asked.report.answer_form).toMatchObject({ queries_left: 1 });
  const more = await client.call("submit_task_answer", { run_id, queries: ["hedge of yew"] });
  expect(more.report).toMatchObject({
    status: "action_required",
    answer_form: { queries_left: 0 },
  });
  expect(more.text).toContain("A hedge of yew is cut once a year");
  const again = await client.call("submit_task_answer", { run_id, queries: ["hedges"] });
  expect(again.isError).toBe(true);
  expect(again.text).toContain("has 0 queries left");
  expect(again.text).toContain("3 tries are left");
  const all = await client.call("get_task_run", { run_id, offset: 0 });
  expect(all.text).toContain("Orla");
});

test("of two agents one answers, and a cancelled run takes no answer", async () => {
  const { client } = await startAsking();
  const { run_id } = await ask(client, { task_spec: undefined });
  const answers = await Promise.all(
    ["In 1987.", "It was 1987."].map((output) =>
      client.call("submit_task_answer", { run_id, output, citations: { output: [] } }),
    ),
  );
  expect(answers.filter(({ isError }) => isError)).toHaveLength(1);
  expect(answers.find(({ isError }) => isError)?.text).toContain("waits for no answer");

  const { run_id: other } = await ask(client);
  await client.call("cancel_task_run", { run_id: other });
  const late = await client.call("submit_task_answer", { run_id: other, output: "x" });
  expect(late.text).toContain("it is cancelled");
});

test("a pack of evidence stays under 8,000 tokens, in text and in structure, and is read on", async () => {
  const paragraph = (n: number) =>
    `Pump ${n} of the Kestrel series was introduced in ${1900 + (n % 90)} with valve ${n}. ${"It moves water through the pipe to the upper basin. ".repeat(12)}`;
  const files = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [`${n}.md`, `# Pump ${n}\n\n${paragraph(n)}\n`]),
  );
  const { client } = await startAsking({ files });
  const { run_id, asked } = await ask(client, { processor: "pro" });
  expect(encode(asked.text).length).toBeLessThan(8_000);
  expect(encode(JSON.stringify(asked.report)).length).toBeLessThan(8_000);
  const seen = new Set(asked.report.evidence?.map(({ id }) => id));
  const next = Number(asked.report.answer_form?.["next_offset"]);
  const { report } = await client.call("get_task_run", { run_id, offset: next });
  expect(report.evidence?.length).toBeGreaterThan(0);
  for (const { id } of report.evidence ?? []) expect(seen).not.toContain(id);
});

test("the tool is listed only where runs ask the agent, and the list stays short", async () => {
  const { client, engine } = await startAsking();
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toContain("submit_task_answer");
  expect(encode(JSON.stringify(tools)).length).toBeLessThan(4_000);
  const backend = await backendOn(engine);
  const other = await connect(async () => backend, { catalogBackend: "embedded" });
  const names = (await other.listTools()).tools.map(({ name }) => name);
  expect(names).not.toContain("submit_task_answer");
  const readOnly = await connect(async () => backend, { catalogBackend: "host", isReadOnly: true });
  const readable = (await readOnly.listTools()).tools.map(({ name }) => name);
  expect(readable).toContain("get_task_run");
  expect(readable).not.toContain("submit_task_answer");
});

test("a question without any evidence can be asked in other words", async () => {
  const { client } = await startAsking({ files: FILES });
  const { run_id, asked } = await ask(client, { input: "Zzyzx?", task_spec: undefined });
  expect(asked.report.status).toBe("action_required");
  expect(asked.report.evidence).toEqual([]);
  const more = await client.call("submit_task_answer", { run_id, queries: ["Kestrel"] });
  expect(more.report.evidence?.length).toBeGreaterThan(0);
});
