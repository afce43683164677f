import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { createWebhookReceiver } from "../../src/transports/webhook-receiver.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW = Date.parse("2026-11-24T12:00:00Z");
const BODY = JSON.stringify({
  type: "task_run.status",
  timestamp: "2026-11-24T12:00:00Z",
  data: { run_id: "trun_1", status: "completed", is_active: false, metadata: { city: "Besançon" } },
});
const NEWS = { kind: "run_update", runId: "trun_1", status: "completed" };

/** A webhook as its sender signs it. */
function message({
  id = "whevent_1",
  body = BODY,
  at = NOW,
  signer = new Webhook(SECRET),
}: { id?: string; body?: string; at?: number; signer?: Webhook } = {}) {
  const headers = new Headers({
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at / 1_000)),
    "webhook-signature": signer.sign(id, new Date(at), body),
  });
  return { headers, body: Buffer.from(body) };
}

function receiver(secrets = [SECRET]) {
  const { receive } = createWebhookReceiver({ secrets, now: () => NOW });
  return ({ headers, body }: { headers: Headers; body: Uint8Array }) => receive(headers, body);
}

test.each([
  ["decoded, as Standard Webhooks has it", SECRET, new Webhook(SECRET)],
  ["as it is, prefix and all", SECRET, new Webhook(SECRET, { format: "raw" })],
  [
    "as it is, when it is no base64",
    "whsec_not-base64",
    new Webhook("whsec_not-base64", { format: "raw" }),
  ],
  ["decoded, without its prefix", SECRET.slice(6), new Webhook(SECRET)],
])("the key of a secret: %s", (_form, secret, signer) => {
  expect(receiver([secret])(message({ signer }))).toEqual(NEWS);
});

test("any of several signatures and any of several secrets will do", () => {
  const old = new Webhook("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
  const { headers, body } = message();
  const [, genuine = ""] = (headers.get("webhook-signature") ?? "").split(",");
  headers.set(
    "webhook-signature",
    `v1a,${genuine} ${old.sign("whevent_1", new Date(NOW), BODY)} v1,${genuine}`,
  );
  expect(receiver(["whsec_other", SECRET])({ headers, body })).toEqual(NEWS);
});

test("without a secret nothing is genuine", () => {
  const signer = new Webhook("x", { format: "raw" });
  for (const secrets of [[], [""], [" "]]) {
    expect(receiver(secrets)(message({ signer }))).toMatchObject({
      kind: "refused",
      httpStatus: 503,
    });
  }
});

test("what was changed on the way is refused: body, id, time, version of the signature", () => {
  const receive = receiver();
  const { headers, body } = message();
  const changed = (name: string, value: string) => {
    const others = new Headers(headers);
    others.set(name, value);
    return receive({ headers: others, body });
  };
  const refusal = { kind: "refused", httpStatus: 401, reason: "no signature fits" };
  expect(receive({ headers, body: Buffer.from(BODY.replace("trun_1", "trun_2")) })).toEqual(
    refusal,
  );
  expect(receive({ headers, body: Buffer.from(`${BODY}\n`) })).toEqual(refusal);
  expect(changed("webhook-id", "whevent_2")).toEqual(refusal);
  expect(changed("webhook-timestamp", String(NOW / 1_000 + 1))).toEqual(refusal);
  const signature = headers.get("webhook-signature") ?? "";
  expect(changed("webhook-signature", signature.replace("v1,", "v2,"))).toEqual(refusal);
  expect(changed("webhook-signature", "v1,")).toEqual(refusal);
  expect(changed("webhook-signature", "v1")).toEqual(refusal);
  // A refused one is not remembered: the genuine one still comes through.
  expect(receive({ headers, body })).toEqual(NEWS);
});

test.each([
  ["5 minutes old", -300, "run_update"],
  ["older", -301, "refused"],
  ["5 minutes ahead", 300, "run_update"],
  ["further ahead", 301, "refused"],
])("a webhook %s", (_age, seconds, kind) => {
  expect(receiver()(message({ at: NOW + seconds * 1_000 })).kind).toBe(kind);
});

test("a webhook that comes again is no news", () => {
  const receive = receiver();
  expect(receive(message())).toEqual(NEWS);
  // A repeated delivery is signed anew.
  expect(receive(message({ at: NOW + 5_000 }))).toEqual({ kind: "ignored" });
  expect(receive(message({ id: "whevent_2" }))).toEqual(NEWS);
});

test("of ids only so many are remembered", () => {
  const receive = receiver();
  for (let n = 0; n <= 10_000; n += 1) receive(message({ id: `whevent_${n}` }));
  expect(receive(message({ id: "whevent_10000" }))).toEqual({ kind: "ignored" });
  expect(receive(message({ id: "whevent_0" }))).toEqual(NEWS);
});

test.each(["webhook-id", "webhook-timestamp", "webhook-signature"])("%s is needed", (name) => {
  const { headers, body } = message();
  headers.delete(name);
  expect(receiver()({ headers, body })).toMatchObject({ kind: "refused", httpStatus: 400 });
  headers.set(name, "1".repeat(1_001));
  expect(receiver()({ headers, body })).toMatchObject({ kind: "refused", httpStatus: 400 });
});

test("a time that is none, and a body that names no run, are refused", () => {
  const { headers, body } = message();
  headers.set("webhook-timestamp", "soon");
  expect(receiver()({ headers, body })).toMatchObject({ httpStatus: 400 });
  for (const text of ["{", "null", '{"type":"task_run.status","data":[]}']) {
    const answer = receiver()(message({ body: text }));
    expect(answer.kind).toBe(text === "null" ? "ignored" : "refused");
  }
});

test("genuine webhooks about something else are taken and left alone", () => {
  const body = JSON.stringify({ type: "findall.run", data: { run_id: "x", status: "y" } });
  expect(receiver()(message({ body }))).toEqual({ kind: "ignored" });
});
