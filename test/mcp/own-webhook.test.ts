import { expect, test } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { onRunWebhook } from "../../src/mcp/protocol/subscriptions.ts";
import { createWebhookReceiver } from "../../src/transports/webhook-receiver.ts";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { LOOPBACK, startReceiver } from "../engine/webhooks-receiver.ts";
import { backendOn, connect } from "./connect.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const signal = new AbortController().signal;

/** A server that takes webhooks at a URL, in front of an engine that signs and sends them. */
async function start() {
  const receiver = await startReceiver();
  const engine = await startTestEngine(async () => textResult("the answer"), {
    allowNetworks: LOOPBACK,
    webhookSecrets: [SECRET],
  });
  const backend = await backendOn(engine, "custom");
  const { call } = await connect(async () => backend, { webhookUrl: receiver.url });
  return { receiver, backend, call };
}

test("runs and groups are created with this server's webhook, and a delivered webhook brings the output into the ledger", async () => {
  const { receiver, backend, call } = await start();
  const { report } = await call("create_task_run", { input: "France" });
  await call("create_task_group", { inputs: ["Spain", { input: "Italy" }] });
  await receiver.until(3);
  const runId = report.run_id ?? "";
  expect(await backend.ledger.find(runId)).toMatchObject({ isActive: true });

  const { receive } = createWebhookReceiver({ secrets: [SECRET], now: Date.now });
  const received = receiver.received.map(({ headers, body }) =>
    receive(new Headers(headers), Buffer.from(body)),
  );
  expect(received).toContainEqual({ kind: "run_update", runId, status: "completed" });
  expect(received.map(({ kind }) => kind)).toEqual(["run_update", "run_update", "run_update"]);

  await onRunWebhook(runId, { backend, clock: systemClock, signal });
  expect(await backend.ledger.find(runId)).toMatchObject({ status: "completed" });
  expect(await backend.ledger.readOutput(runId)).not.toBeNull();
  // Of a run that the ledger does not know, and of one whose end it knows, there is nothing to read.
  await onRunWebhook("trun_none", { backend, clock: systemClock, signal });
  await onRunWebhook(runId, { backend, clock: systemClock, signal });
});

test("the webhook that a call names wins", async () => {
  const { receiver, call } = await start();
  const own = { url: "https://example.com/hook", event_types: ["task_run.status"] };
  const run = await call("create_task_run", { input: "a", webhook: own, dry_run: true });
  expect(run.report.request).toMatchObject({ webhook: own });
  const group = await call("create_task_group", {
    inputs: [{ input: "a", webhook: own }, "b"],
    dry_run: true,
  });
  expect(group.report.request).toMatchObject({
    inputs: [{ webhook: own }, { webhook: { ...own, url: receiver.url } }],
  });
});
