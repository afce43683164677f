import { expect, test } from "vitest";
import type { RunOutput } from "../../src/task-api/output.ts";
import { startTestEngine } from "../engine/start-test-engine.ts";
import { backendOn, connect } from "./connect.ts";

const output: RunOutput = {
  type: "json",
  content: {
    founded: 1998,
    revenue: "unknown",
    companies: [{ name: "A", revenue: 5, offices: { paris: 2 } }, { name: "B" }],
  },
  basis: [
    {
      field: "founded",
      reasoning: "It says so.",
      confidence: "high",
      citations: [{ url: "https://example.org/a" }],
    },
    {
      field: "companies",
      reasoning: "From a list.",
      citations: [{ url: "https://example.org/l" }],
    },
    { field: "companies.1", reasoning: "From B's own page." },
  ],
};

async function reader() {
  const engine = await startTestEngine(async () => ({ output, warnings: [] }));
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const { report } = await client.call("create_task_run", { input: "Why?", wait_seconds: 30 });
  return (args: Record<string, unknown>) =>
    client.call("get_task_run", { run_id: report.run_id, ...args });
}

test("a field that exists without evidence is a normal answer that says so", async () => {
  const get = await reader();
  const { report, isError, texts } = await get({ view: "basis", field: "revenue" });
  expect(isError).toBe(false);
  expect(report.notes).toEqual(["No evidence is recorded for revenue."]);
  expect(report).not.toHaveProperty("basis");
  expect(texts).toHaveLength(1);
});

test("a nested field has the evidence of the nearest field around it, and that is said", async () => {
  const get = await reader();
  const far = (await get({ view: "basis", field: "companies.0.offices.paris" })).report;
  expect(far.notes).toEqual(["Evidence for companies covers companies.0.offices.paris."]);
  expect(far.basis).toEqual([output.basis[1]]);
  const near = (await get({ view: "basis", field: "companies.1.name" })).report;
  expect(near.notes).toEqual(["Evidence for companies.1 covers companies.1.name."]);
  expect(near.basis).toEqual([output.basis[2]]);
  // What has evidence of its own is shown with what is inside it.
  const own = (await get({ view: "basis", field: "companies" })).report;
  expect(own.basis).toHaveLength(2);
  expect(own).not.toHaveProperty("notes");
});

test.each(["output", "basis"])("a wrong path lists its siblings (view %s)", async (view) => {
  const get = await reader();
  const nested = await get({ view, field: "companies.0.revenu" });
  expect(nested.isError).toBe(true);
  expect(nested.texts[0]).toContain('The output has no field "companies.0.revenu".');
  expect(nested.texts[1]).toContain("Fields of companies.0: name, revenue, offices");
  const outside = await get({ view, field: "companies.7.name" });
  expect(outside.texts[1]).toContain("Fields of companies: 0, 1");
  const top = await get({ view, field: "fonded" });
  expect(top.texts[1]).toContain("Fields of the output: founded, revenue, companies");
  const inValue = await get({ view, field: "founded.year" });
  expect(inValue.texts).toHaveLength(1);
  expect(inValue.text).toContain("There are no fields in founded: call get_task_run again");
});

test("a confidence that no field has is said", async () => {
  const get = await reader();
  const { report, isError } = await get({ confidence: "low" });
  expect(isError).toBe(false);
  expect(report.notes).toEqual(["No field has low confidence."]);
});
