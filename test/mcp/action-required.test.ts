import { expect, test } from "vitest";
import { ActionRequired, ExecutionFailed } from "../../src/engine/executors/executor.ts";
import { createManualClock } from "../client/manual-clock.ts";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOf, backendOn, connect } from "./connect.ts";

const QUESTION = "Which France: the country or the ship?";

/** Runs ask back, unless they follow up on another. */
async function startAsking() {
  const engine = await startTestEngine(async ({ input }) => {
    if (input.previous_interaction_id) return textResult("The country, then.");
    throw new ActionRequired(QUESTION, { deadlineSeconds: 600 });
  });
  const backend = await backendOn(engine);
  // No time passes: a wait that is not over at once would never be.
  const client = await connect(async () => backend, { clock: createManualClock() });
  const created = await client.call("create_task_run", { input: "France?", wait_seconds: 30 });
  return { client, created, run_id: created.report.run_id ?? "" };
}

test("a run in action_required shows its question first, as untrusted text, in every view and at once", async () => {
  const { client, created, run_id } = await startAsking();
  for (const view of [undefined, "auto", "output", "basis", "status"]) {
    const seen =
      view === undefined
        ? created
        : await client.call("get_task_run", { run_id, view, wait_seconds: 40 });
    const { report, texts, isError } = seen;
    expect(isError).toBe(false);
    expect(report).toMatchObject({
      status: "action_required",
      is_active: false,
      question_asked: QUESTION,
    });
    expect(report).not.toHaveProperty("warnings");
    expect(report.summary).toContain(
      "is action_required: it waits for an answer to the question below",
    );
    expect(texts[0]).not.toContain(QUESTION);
    expect(texts[1]?.split("\n").slice(1, 3)).toEqual(["The run asks:", QUESTION]);
    expect(texts.join("\n").split(run_id)).toHaveLength(2);
  }
});

test("it is answered by a new run that follows up on it, or cancelled, as its next step says", async () => {
  const { client, created, run_id } = await startAsking();
  expect(created.report.next_step).toContain(
    "create_task_run with this run_id as previous_interaction_id and the answer as input",
  );
  expect(created.report.next_step).toContain("cancel_task_run with this run_id");
  const answered = await client.call("create_task_run", {
    input: "The country.",
    previous_interaction_id: run_id,
    wait_seconds: 30,
  });
  expect(answered.report.output).toBe("The country, then.");
  const cancelled = await client.call("cancel_task_run", { run_id });
  expect(cancelled.report).toMatchObject({ outcome: "cancelled", status: "cancelled" });
});

test("where no warning says it, the last step is the question", async () => {
  const run = {
    run_id: "trun_1",
    interaction_id: "i_1",
    status: "action_required",
    is_active: false,
    processor: "base",
  };
  const step = {
    type: "task_run.progress_msg.plan",
    message: QUESTION,
    timestamp: "2026-01-01T00:00:00Z",
  };
  const backend = await backendOf(async (request) => {
    if (!request.url.endsWith("/events")) return Response.json(run);
    const headers = { "content-type": "text/event-stream" };
    return new Response(`data: ${JSON.stringify(step)}\n\n`, { headers });
  }, "custom");
  const client = await connect(async () => backend);
  const { report } = await client.call("get_task_run", { run_id: "trun_1", view: "output" });
  expect(report).toMatchObject({ question_asked: QUESTION, interaction_id: "i_1" });
  expect(report.next_step).toContain("with this interaction_id as previous_interaction_id");
});

test.each([
  ["The document index is temporarily unavailable.", "The failure looks temporary"],
  [null, "The failure looks temporary"],
  ["The input does not follow the input schema.", "Correct what the error names"],
  [
    "No source answers this.",
    "Correct what the error names; if the task is not at fault, start it",
  ],
])("a run that failed with %j is followed by what fits the failure", async (message, words) => {
  const engine = await startTestEngine(async () => {
    // Anything but this error is the engine's own trouble.
    throw message === null ? new Error("a defect") : new ExecutionFailed(message);
  });
  const backend = await backendOn(engine);
  const client = await connect(async () => backend);
  const { report } = await client.call("create_task_run", { input: "Why?", wait_seconds: 30 });
  expect(report.summary).toBe("Started 1 run. It failed and is not billed.");
  expect(report.next_step).toContain(words);
});

test.each([
  [{ status: 503 }, "The failure looks temporary"],
  [{ errors: [{ msg: "Field required" }] }, "Correct what the error names"],
  [{ code: "422" }, "Correct what the error names"],
])("the detail %j of an error tells what a failure is due to", async (detail, words) => {
  const backend = await backendOf(
    async () =>
      Response.json({
        run_id: "trun_1",
        status: "failed",
        is_active: false,
        processor: "base",
        error: { ref_id: "r", message: "It went wrong.", detail },
      }),
    "hosted",
  );
  const client = await connect(async () => backend);
  const { report } = await client.call("get_task_run", { run_id: "trun_1" });
  expect(report.next_step).toContain(words);
});
