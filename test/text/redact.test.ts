import { expect, test } from "vitest";
import { createRedact, secretsIn } from "../../src/text/redact.ts";

test("a secret that is part of another leaves nothing of the longer one", () => {
  const redact = createRedact(["key-1", "key-1-long", ""]);
  expect(redact("sent key-1-long and key-1")).toBe("sent [redacted] and [redacted]");
});

test("a header value is secret as a whole and without its scheme; short words are not", () => {
  expect(secretsIn(["Bearer s3cret-token", "on"])).toEqual([
    "Bearer s3cret-token",
    "Bearer",
    "s3cret-token",
  ]);
});
