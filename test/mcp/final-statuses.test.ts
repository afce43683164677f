import { expect, test } from "vitest";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOf, connect } from "./connect.ts";

/** The real engine, in whose answers completed runs have another status, or no `is_active`. */
async function startRenamed(change: (text: string) => string) {
  const engine = await startTestEngine(async () => textResult("the answer"));
  const backend = await backendOf(async (request) => {
    const response = await engine.fetch(request);
    const text = change(await response.text());
    return new Response(text, { status: response.status, headers: response.headers });
  }, "hosted");
  return { backend, client: await connect(async () => backend) };
}

const rename = (word: string) => (text: string) =>
  text.replaceAll('"status":"completed"', `"status":"${word}"`);

test.each(["succeeded", "partially_completed"])(
  "a run that is %s is read with its result, whichever way it is looked at",
  async (word) => {
    const { backend, client } = await startRenamed(rename(word));
    const { report } = await client.call("create_task_run", { input: "q", wait_seconds: 30 });
    const { run_id } = report;
    expect(report).toMatchObject({ status: word, is_active: false, output: "the answer" });
    for (const wait_seconds of [0, 5]) {
      for (const view of ["auto", "output"]) {
        const seen = (await client.call("get_task_run", { run_id, view, wait_seconds })).report;
        expect(seen).toMatchObject({ status: word, output: "the answer" });
      }
    }
    const steps = await client.call("get_task_run", { run_id, view: "events" });
    expect(steps.report.next_step).toContain("to read the answer");
    expect(JSON.stringify(await client.beside.read(`task-run://${run_id}/output`))).toContain(
      "the answer",
    );
    // What the ledger keeps of it, and does with it.
    expect(await backend.ledger.readOutput(run_id ?? "")).toMatchObject({ content: "the answer" });
    expect((await backend.ledger.find(run_id ?? ""))?.finishedAt).not.toBeNull();
    const cancelled = (await client.call("cancel_task_run", { run_id })).report;
    expect(cancelled.outcome).toBe("already_finished");
    expect(cancelled.next_step).toContain("Its result is still there");
  },
);

test("without is_active a known status decides, and the result about a new one", async () => {
  const strip = (text: string) => text.replaceAll(/"is_active":(true|false),?/g, "");
  for (const change of [strip, (text: string) => rename("succeeded")(strip(text))]) {
    const { client } = await startRenamed(change);
    const { report } = await client.call("create_task_run", { input: "q", wait_seconds: 30 });
    expect(report).toMatchObject({ is_active: false, output: "the answer" });
    const { run_id } = report;
    const seen = await client.call("get_task_run", { run_id, wait_seconds: 0 });
    expect(seen.report).toMatchObject({ is_active: false, output: "the answer" });
  }
});

test.each(["null", "[]", "<html>", '{"run":null}'])(
  "a run whose result is %s is shown with its status, and what is wrong with its output is said",
  async (result) => {
    const engine = await startTestEngine(async () => textResult("the answer"));
    let isOdd = false;
    const backend = await backendOf(async (request) => {
      const { pathname } = new URL(request.url);
      if (isOdd && pathname.endsWith("/result")) {
        return new Response(result, { headers: { "content-type": "application/json" } });
      }
      if (isOdd && pathname.endsWith("/events")) return new Response("", { status: 404 });
      return engine.fetch(request);
    }, "hosted");
    const client = await connect(async () => backend);
    const { run_id } = await backend.client.createRun({ input: "q", processor: "base" });
    await expect
      .poll(async () => (await backend.client.retrieveRun(run_id)).status)
      .toBe("completed");
    isOdd = true;
    for (const view of ["auto", "output", "basis", "events", "status"]) {
      for (const wait_seconds of [0, 1]) {
        const { report, isError, text } = await client.call("get_task_run", {
          run_id,
          view,
          wait_seconds,
        });
        expect(isError, `${view}: ${text}`).toBe(false);
        expect(report).toMatchObject({ run_id, status: "completed", is_active: false });
        if (view === "auto") expect(report.summary).toContain("its output could not be read");
        if (view === "auto")
          expect(report.next_step).toContain("call get_task_run with this run_id again");
      }
    }
  },
);
