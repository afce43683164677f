import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOn, clientKinds, connect } from "./connect.ts";
import { suggestedCall } from "./stories.ts";

const neverOpened = () => Promise.reject(new Error("the backend was opened"));

test.each(clientKinds)("%s: the prompts, with their arguments described", async (kind) => {
  const { beside } = await connect(neverOpened, { kind });
  const prompts = await beside.prompts();
  expect(prompts.map(({ name, arguments: args }) => [name, args.map((arg) => arg.name)])).toEqual([
    ["research", ["question", "depth"]],
    ["compare", ["items", "criteria"]],
    ["continue", ["run_id"]],
  ]);
  const args = prompts.flatMap((prompt) => prompt.arguments);
  expect(args.filter(({ required }) => required).map(({ name }) => name)).toEqual([
    "question",
    "items",
  ]);
  expect(args.every(({ description }) => description !== "")).toBe(true);
  expect(encode(JSON.stringify(prompts)).length).toBeLessThan(500);
});

test("the call that a research prompt names starts the run it is about", async () => {
  const engine = await startTestEngine(async ({ input }) =>
    textResult(`About ${typeof input.input === "string" ? input.input : ""}`),
  );
  const backend = await backendOn(engine);
  const { beside, call } = await connect(async () => backend);
  const text = await beside.prompt("research", { question: 'Who said "yes"?', depth: "deep" });
  const args = suggestedCall(text, "create_task_run");
  expect(args).toEqual({ input: 'Who said "yes"?', processor: "pro" });
  const { report } = await call("create_task_run", { ...args, wait_seconds: 30 });
  expect(report).toMatchObject({ processor: "pro", output: 'About Who said "yes"?' });
  expect(encode(text).length).toBeLessThan(250);
});

test("without a depth this server's default holds; a processor is one, nonsense is refused", async () => {
  const { beside } = await connect(neverOpened);
  const plain = await beside.prompt("research", { question: "Why?" });
  expect(suggestedCall(plain, "create_task_run")).toEqual({ input: "Why?" });
  const named = await beside.prompt("research", { question: "Why?", depth: "ultra-fast" });
  expect(suggestedCall(named, "create_task_run")).toMatchObject({ processor: "ultra-fast" });
  await expect(beside.prompt("research", { question: "Why?", depth: "very" })).rejects.toThrow(
    /depth: write one of quick, standard, deep, deepest/,
  );
  await expect(beside.prompt("research")).rejects.toThrow(/question: required/);
  await expect(beside.prompt("summarise")).rejects.toMatchObject({ code: -32_602 });
});

test("a comparison asks the same about each thing", async () => {
  const { beside } = await connect(neverOpened);
  const text = await beside.prompt("compare", {
    items: "Paris\nLyon\n\nNice",
    criteria: "Price per year, Crime rate (official)",
  });
  const [, json = ""] = /create_task_group (\{.*\})\./.exec(text) ?? [];
  expect(JSON.parse(json)).toEqual({
    inputs: ["Paris", "Lyon", "Nice"],
    output_fields: [
      { name: "price_per_year", description: "Price per year" },
      { name: "crime_rate_official", description: "Crime rate (official)" },
    ],
  });
  expect(await beside.prompt("compare", { items: "a, b" })).toContain(
    "Choose three to six criteria",
  );
  await expect(beside.prompt("compare", { items: "only one" })).rejects.toThrow(/at least two/);
});

test.each(clientKinds)("%s: depths, processors and run ids complete", async (kind) => {
  const engine = await startTestEngine(async () => textResult("yes"));
  const backend = await backendOn(engine);
  const { beside, call } = await connect(async () => backend, { kind });
  const { report } = await call("create_task_run", { input: "one" });
  const research = { type: "ref/prompt", name: "research" } as const;
  expect(await beside.complete(research, "depth", "de")).toEqual(["deep", "deepest"]);
  expect(await beside.complete(research, "depth", "PRO")).toEqual(["pro", "pro-fast"]);
  expect(await beside.complete(research, "question", "x")).toEqual([]);
  const ofRuns = { type: "ref/prompt", name: "continue" } as const;
  expect(await beside.complete(ofRuns, "run_id", "trun_")).toEqual([report.run_id]);
});

test.each([
  [{ isReadOnly: true }, ["continue"]],
  [{ toolsets: ["runs"] }, ["research", "continue"]],
  [{ toolsets: ["groups"] }, ["compare"]],
] as const)("with %o only the prompts that can be followed are offered", async (deps, names) => {
  const { beside, listTools } = await connect(neverOpened, deps);
  expect((await beside.prompts()).map(({ name }) => name)).toEqual(names);
  const tools = (await listTools()).tools.map(({ name }) => name);
  const args = { research: { question: "q" }, compare: { items: "a,b" }, continue: {} };
  for (const name of names) {
    const named = (await beside.prompt(name, args[name])).match(/\w+_task_\w+/g) ?? [];
    expect(tools).toEqual(expect.arrayContaining(named));
  }
});

test("where no prompt can be followed there are none", async () => {
  const { beside } = await connect(neverOpened, { isReadOnly: true, toolsets: ["groups"] });
  expect(beside.capabilities()).not.toHaveProperty("prompts");
});
