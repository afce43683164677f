import fc from "fast-check";
import { expect, it } from "vitest";
import { jsonChars } from "../../src/task-api/schema/output-schema-rules.ts";

it("counts what JSON.stringify would write", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(jsonChars(value)).toBe(JSON.stringify(value).length);
    }),
  );
});

it("counts characters that JSON escapes as they are written", () => {
  const value = { 'a\u0007"\\': ["\ud800", "\u{1f52d}", "\u2028", "\n"] };
  expect(jsonChars(value)).toBe(JSON.stringify(value).length);
});

it("leaves out members that are undefined, as JSON does", () => {
  expect(jsonChars({ a: undefined, b: [1, 2] })).toBe('{"b":[1,2]}'.length);
});

it("counts values nested deeper than the stack", () => {
  const levels = 20_000;
  const text = '{"a":['.repeat(levels) + "]}".repeat(levels);
  expect(jsonChars(JSON.parse(text))).toBe(text.length);
});
