import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import {
  BadWebhookSecret,
  createSigner,
  readWebhookSecret,
} from "../../src/engine/webhooks/webhook-secret.ts";
import { refusalOfWebhookUrl } from "../../src/engine/webhooks/check-webhook.ts";
import { readNetworks } from "../../src/engine/outgoing/networks.ts";

const standard = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const id = "whevent_abc123def456";
const at = new Date();
const body = '{"type":"task_run.status","data":{"metadata":{"city":"Besançon"}}}';

function sign(...secrets: string[]): string {
  return createSigner(secrets.map(readWebhookSecret))(id, at, body) ?? "";
}

function verify(webhook: Webhook, signature: string): unknown {
  return webhook.verify(body, {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": signature,
  });
}

describe("the signature of a webhook", () => {
  test.each([
    ["whsec_ and base64", standard, new Webhook(standard)],
    ["decoded: and the same", `decoded:${standard}`, new Webhook(standard)],
    ["raw: and the same", `raw:${standard}`, new Webhook(standard, { format: "raw" })],
    [
      "whsec_ and no base64",
      "whsec_abc123def4567",
      new Webhook("whsec_abc123def4567", { format: "raw" }),
    ],
    [
      "base64 without its padding",
      "whsec_bXkgc2VjcmV0IQ",
      new Webhook("whsec_bXkgc2VjcmV0IQ", { format: "raw" }),
    ],
    ["decoded: and base64 alone", "decoded:bXkgc2VjcmV0IQ==", new Webhook("bXkgc2VjcmV0IQ==")],
    ["any other text", "correct horse", new Webhook("correct horse", { format: "raw" })],
    ["any other text in base64", "abcd", new Webhook("abcd", { format: "raw" })],
  ])("of a secret written as %s is what its receiver verifies", (_form, secret, receiver) => {
    expect(verify(receiver, sign(secret))).toEqual(JSON.parse(body));
  });

  test("is an HMAC-SHA256 of id, seconds and body, in base64", () => {
    const text = `${id}.${Math.floor(at.getTime() / 1_000)}.${body}`;
    const expected = createHmac("sha256", "clé secrète").update(text).digest("base64");
    expect(sign("clé secrète")).toBe(`v1,${expected}`);
  });

  test("has one part for each secret, and either verifies", () => {
    const signature = sign(standard, "raw:whsec_legacy");
    expect(signature).toMatch(/^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$/);
    verify(new Webhook(standard), signature);
    verify(new Webhook("whsec_legacy", { format: "raw" }), signature);
    expect(() => verify(new Webhook("another", { format: "raw" }), signature)).toThrow(
      "No matching signature",
    );
  });

  test("is missing when there is no secret", () => {
    expect(createSigner([])(id, at, body)).toBeNull();
  });

  test.each(["", "  ", "whsec_", "raw:", "decoded:", "decoded:whsec_"])(
    "cannot be made with the empty secret %j",
    (text) => {
      expect(() => readWebhookSecret(text)).toThrow(BadWebhookSecret);
    },
  );

  test("cannot be made with a secret that does not decode as it must; the error keeps it secret", () => {
    expect(() => readWebhookSecret("decoded:whsec_not-base64!")).toThrow(
      "A webhook secret to be decoded is not valid base64. Correct it, or write raw: before it to use it as it is.",
    );
  });
});

describe("the URL of a webhook", () => {
  test.each([
    "http://127.0.0.1/hook",
    "http://2130706433/hook",
    "http://0x7f.1/hook",
    "https://[::1]/hook",
    "https://[::ffff:10.0.0.1]/hook",
    "http://169.254.169.254/latest/meta-data",
    "https://10.20.30.40/hook",
    "https://localhost/hook",
    "https://receiver.localhost./hook",
    "https://93.184.216.34:25/hook",
    "https://user:password@receiver.example/hook",
  ])("%s can never be delivered to", (url) => {
    expect(refusalOfWebhookUrl(url, [])).toEqual(expect.any(String));
  });

  test.each([
    "https://receiver.example/hook",
    "https://93.184.216.34/hook",
    "https://[2606:2800:21f:cb07::1]/hook",
    "https://notlocalhost/hook",
  ])("%s may be delivered to", (url) => {
    expect(refusalOfWebhookUrl(url, [])).toBeNull();
  });

  test("may be in a private network that the operator allows", () => {
    const allowed = readNetworks(["10.20.0.0/16", "127.0.0.0/8"]);
    expect(refusalOfWebhookUrl("https://10.20.30.40/hook", allowed)).toBeNull();
    expect(refusalOfWebhookUrl("http://localhost:8080/hook", allowed)).toBeNull();
    expect(refusalOfWebhookUrl("https://10.21.30.40/hook", allowed)).toContain("private network");
  });
});
