import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";
import { createExtractiveExecutor } from "../../src/engine/executors/extractive/extractive-executor.ts";
import { silentLog, startTestEngine, untilAborted } from "../engine/start-test-engine.ts";
import { EXAMPLES } from "../engine/executors/run-extractive.ts";
import { backendOn, connect } from "./connect.ts";

const tokens = (text: string) => encode(text, { disallowedSpecial: new Set() }).length;

/** The built-in engine over the example documents, with the prices of the hosted API. */
async function startClient() {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal), {
    createExecutor: ({ db }) =>
      createExtractiveExecutor({ db, folders: [EXAMPLES], log: silentLog }),
  });
  const backend = await backendOn(engine, "hosted");
  return connect(async () => backend);
}

test.each(["text", "fields"])(
  "around its own text the answer of a completed run has under 150 tokens in each channel (%s)",
  async (form) => {
    const client = await startClient();
    const created = await client.call("create_task_run", {
      input: "What was the GDP of France in 2023?",
      ...(form === "fields" && { output_fields: ["gdp", "year"].map((name) => ({ name })) }),
      wait_seconds: 30,
    });
    const { run_id } = created.report;
    const read = await client.call("get_task_run", { run_id });
    for (const { report, text } of [created, read]) {
      expect(report.status).toBe("completed");
      const { output, citations = [] } = report;
      // What the run found, and where it found it, in each channel's form.
      const found = typeof output === "string" ? output : JSON.stringify(output, null, 2);
      const [, sources = ""] = /\n\n(citations:\n[\s\S]*)\n.{6}>>>$/.exec(text) ?? [];
      expect(text).toContain(found);
      expect(sources.split("<")).toHaveLength(citations.length + 1);
      expect(tokens(text) - tokens(found) - tokens(sources), text).toBeLessThan(120);
      const inJson = tokens(JSON.stringify(output)) + tokens(JSON.stringify(citations));
      expect(tokens(JSON.stringify(report)) - inJson).toBeLessThan(150);
      for (const id of [text, JSON.stringify(report)])
        expect(id.split(String(run_id))).toHaveLength(2);
    }
  },
);

test("a create that waited for the end answers what get_task_run would", async () => {
  const client = await startClient();
  const created = await client.call("create_task_run", {
    input: "How high is Mount Everest?",
    wait_seconds: 30,
  });
  const { run_id } = created.report;
  const read = await client.call("get_task_run", { run_id });
  const { created_at, ...report } = read.report;
  expect(created_at).toBeDefined();
  expect(created.report).toEqual({ ...report, summary: "Started 1 run. It is completed." });
});

test("a source and a quote that the output shows are not told again", async () => {
  const { url, excerpt } = { url: "https://example.org/a", excerpt: "It is  3.05." };
  const citations = [
    { url, title: "Shown", excerpts: ["Another quote."] },
    { url: "https://example.org", title: "A part of a shown URL", excerpts: [excerpt] },
    { url: "https://example.org/b", title: "Not shown", excerpts: ["Not shown either."] },
    { url: "https://example.org/c", title: "One is shown", excerpts: [excerpt, "A new one."] },
    { url: "https://example.org/d", title: "A window", excerpts: ["First. Second\nThird."] },
  ];
  const basis = [{ field: "output", reasoning: "", citations }];
  const content = `"It is\n3.05." [1]\n\n> First. **Second\n> Third.**\n\n[1]: <${url}>.`;
  const engine = await startTestEngine(async () => ({
    output: { type: "text", content, basis },
    warnings: [],
  }));
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const { report, text } = await client.call("create_task_run", {
    input: "Why?",
    wait_seconds: 30,
  });
  expect(report.citations).toEqual([
    { url: "https://example.org", title: "A part of a shown URL" },
    { url: "https://example.org/b", title: "Not shown", excerpt: "Not shown either." },
    { url: "https://example.org/c", title: "One is shown", excerpt: "A new one." },
    { url: "https://example.org/d", title: "A window" },
  ]);
  expect(report).not.toHaveProperty("citations_total");
  expect(text.split(url)).toHaveLength(2);
});
