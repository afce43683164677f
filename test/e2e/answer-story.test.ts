import { expect, test } from "vitest";
import { FILES } from "../engine/executors/start-host-engine.ts";
import { createFolder } from "../engine/sources/document-fixtures.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { type ClientKind, type TestClient, clientKinds } from "../mcp/connect.ts";
import { suggestedCall } from "../mcp/stories.ts";
import { connectHttp } from "../transports/start-http.ts";
import { connectStdio } from "./built-binary.ts";
import { startHttpBinary } from "./http-binary.ts";

const optionsFor = (documents: string) => ["--executor", "host", "--documents", documents];

const TRANSPORTS = [
  [
    "stdio",
    async (kind: ClientKind, documents: string): Promise<TestClient> =>
      connectStdio(kind, { stateDir: await temporaryFolder(), args: optionsFor(documents) }),
  ],
  [
    "HTTP",
    async (kind: ClientKind, documents: string): Promise<TestClient> => {
      const { url } = await startHttpBinary(optionsFor(documents));
      return connectHttp(kind, url, "not-asked-for");
    },
  ],
] as const;

test.each(
  TRANSPORTS.flatMap(([transport, start]) =>
    clientKinds.map((kind) => ({ transport, start, kind })),
  ),
)(
  "over $transport, $kind: question, evidence, submitted answer, verified result",
  async ({ start, kind }) => {
    const client = await start(kind, await createFolder(FILES));
    const { report: asked } = await client.call("create_task_run", {
      input: "When was the Kestrel pump introduced, and by whom?",
      output_fields: [{ name: "introduced" }, { name: "designer" }],
      wait_seconds: 30,
    });
    const { run_id } = asked;
    expect(asked).toMatchObject({ status: "action_required", is_active: false });
    const submit = suggestedCall(asked.next_step, "submit_task_answer", { run_id });
    const evidence = asked.evidence ?? [];
    const { id, text } = evidence.find((one) => String(one["text"]).includes("Orla")) ?? {};
    expect(text).toContain("The Kestrel pump was introduced in 1987 by Orla Brandt.");

    const searched = await client.call("submit_task_answer", {
      ...submit,
      queries: ["hedge of yew"],
    });
    expect(searched.report.status).toBe("action_required");
    expect(searched.text).toContain("A hedge of yew is cut once a year");

    const output = { introduced: "1987", designer: "Orla Brandt" };
    const refused = await client.call("submit_task_answer", {
      ...submit,
      output,
      citations: { introduced: [id], designer: ["was introduced in 1978 by Orla Brandt"] },
    });
    expect(refused.isError).toBe(true);
    expect(refused.text).toContain("- citations.designer.0: ");

    const quote = "was introduced in 1987 by Orla Brandt";
    const accepted = await client.call("submit_task_answer", {
      ...submit,
      output,
      citations: { introduced: [id], designer: [quote] },
    });
    expect(accepted.isError, accepted.text).toBe(false);
    expect(accepted.report).toMatchObject({ run_id, status: "completed", output });
    const basis = await client.call("get_task_run", { run_id, view: "basis" });
    expect(basis.report.basis).toMatchObject([
      {
        field: "introduced",
        confidence: "medium",
        citations: [{ excerpts: [expect.stringContaining("1987")] }],
      },
      { field: "designer", confidence: "medium", citations: [{ excerpts: [quote] }] },
    ]);
    const list = await client.call("list_task_runs", { text: "Kestrel" });
    expect(list.report.runs).toMatchObject([{ run_id, status: "completed" }]);
  },
);
