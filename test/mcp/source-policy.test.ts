import { expect, test } from "vitest";
import { createExtractiveExecutor } from "../../src/engine/executors/extractive/extractive-executor.ts";
import { createFolder } from "../engine/sources/document-fixtures.ts";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOn, connect } from "./connect.ts";

const QUESTION = "How many weeks of leave do parents have?";

async function overDocuments() {
  const folder = await createFolder({
    "HR rules/leave.md": "Parents have 14 weeks of leave.",
    "old/leave.md": "Parents have 10 weeks of leave.",
    "web.md": "---\nurl: https://www.example.org/a\n---\nTravel is paid by the client.",
  });
  const engine = await startTestEngine(async () => textResult(""), {
    createExecutor: ({ db, log }) => createExtractiveExecutor({ db, log, folders: [folder] }),
  });
  const backend = await backendOn(engine);
  const client = await connect(async () => backend, { catalogBackend: "embedded" });
  return { client, folder };
}

test("a run over documents is limited to folders and files, named in any way", async () => {
  const { client, folder } = await overDocuments();
  for (const entry of ["HR rules/", "HR rules", "hr rules/leave.md", `${folder}/HR rules`]) {
    const { text, report, isError } = await client.call("create_task_run", {
      input: QUESTION,
      source_policy: { include_domains: [entry] },
      wait_seconds: 20,
    });
    expect(isError, text).toBe(false);
    expect(text).toContain("14 weeks");
    expect(text).not.toContain("10 weeks");
    expect(report.warnings?.join("\n") ?? "").not.toContain("source_policy");
  }
});

test("what names no document is said by the dry run and as the run starts, and once when it has ended", async () => {
  const { client } = await overDocuments();
  const args = { input: QUESTION, source_policy: { include_domains: ["nowhere.example"] } };
  const words =
    "source_policy: no document is from nowhere.example, so that nothing would be searched; documents are from: HR rules/, old/, example.org";
  for (const more of [{ dry_run: true }, {}, { wait_seconds: 20 }]) {
    const { report } = await client.call("create_task_run", { ...args, ...more });
    expect(report.warnings?.filter((one) => one.startsWith("source_policy"))).toEqual([words]);
  }
  const group = { inputs: [QUESTION, "And now?"], source_policy: args.source_policy };
  for (const more of [{ dry_run: true }, {}]) {
    const { report } = await client.call("create_task_group", { ...group, ...more });
    expect(report.warnings).toEqual([words]);
  }
});

test("another backend may refuse a path: it is sent, and the refusal is explained", async () => {
  const engine = await startTestEngine(async () => textResult("never"), { profile: "hosted" });
  const backend = await backendOn(engine, "custom");
  const client = await connect(async () => backend);
  const { text, isError } = await client.call("create_task_run", {
    input: QUESTION,
    source_policy: { include_domains: ["HR rules/"] },
  });
  expect(isError).toBe(true);
  expect(text).toMatch(/source_policy.include_domains.0: write a plain domain/);
});

test.each(["https://who.int", "who.int, un.org", "who.int:443", "who.int?q=1"])(
  "%s is neither a domain nor a path",
  async (entry) => {
    const client = await connect(() => Promise.reject(new Error("the backend was opened")));
    const { text, isError } = await client.call("create_task_run", {
      input: QUESTION,
      source_policy: { include_domains: [entry] },
    });
    expect(isError).toBe(true);
    expect(text).toContain("source_policy.include_domains.0: write a plain domain");
  },
);
