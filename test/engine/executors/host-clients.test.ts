import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { call } from "../call-engine.ts";
import { connectOfficialClient } from "../groups-client.ts";
import { LOOPBACK, startReceiver } from "../webhooks-receiver.ts";
import { startHostEngine } from "./start-host-engine.ts";

const QUESTION = { input: "When was the Kestrel pump introduced?", processor: "base" };
const ANSWER = { output: "In 1987.", citations: { output: ["was introduced in 1987 by Orla"] } };
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

test("the official client waits for runs of a group, and reads the results that were submitted", async () => {
  const engine = await startHostEngine();
  const client = await connectOfficialClient(engine);
  const { taskgroup_id } = await client.taskGroup.create({});
  const { run_ids } = await client.taskGroup.addRuns(taskgroup_id, {
    inputs: [QUESTION, QUESTION],
  });
  for (const id of run_ids) {
    await call(engine, `/v1/tasks/runs/${id}/result?timeout=30`);
    expect(await client.taskRun.retrieve(id)).toMatchObject({
      status: "action_required",
      is_active: false,
    });
    await call(engine, `/v1/tasks/runs/${id}/answer`, ANSWER);
    const { output, run } = await client.taskRun.result(id, { timeout: 30 });
    expect(run.status).toBe("completed");
    expect(output).toMatchObject({
      type: "text",
      content: "In 1987.",
      basis: [{ citations: [{ excerpts: ["was introduced in 1987 by Orla"] }] }],
    });
  }
  const { status } = await client.taskGroup.retrieve(taskgroup_id);
  expect(status).toMatchObject({ is_active: false, task_run_status_counts: { completed: 2 } });
});

test("the webhook of a run comes when its answer was accepted", async () => {
  const receiver = await startReceiver();
  const engine = await startHostEngine({ allowNetworks: LOOPBACK, webhookSecrets: [SECRET] });
  const { body: created } = await call(engine, "/v1/tasks/runs", {
    ...QUESTION,
    webhook: { url: receiver.url, event_types: ["task_run.status"] },
  });
  const path = `/v1/tasks/runs/${created.run_id}`;
  await call(engine, `${path}/result?timeout=30`);
  await call(engine, `${path}/answer`, ANSWER);
  await receiver.until(1);
  const [first, ...others] = receiver.received;
  expect(others).toEqual([]);
  new Webhook(SECRET).verify(first?.body ?? "", first?.headers ?? {});
  expect(JSON.parse(first?.body ?? "")).toMatchObject({
    type: "task_run.status",
    data: { run_id: created.run_id, status: "completed" },
  });
});
