import fc from "fast-check";
import { expect, test } from "vitest";
import { isLongNumber, jsonText, parseJson, tryParseJson } from "../../src/text/json.ts";

test.each([
  ["653247040368672768", "653247040368672768"],
  ["-9007199254740993", "-9007199254740993"],
  ["1e400", "1e400"],
  ["-1E-400", "-1E-400"],
  ["0.12345678901234567890", "0.12345678901234567890"],
  ["1234567890.1234567890123", "1234567890.1234567890123"],
])("a number that a double cannot hold keeps its digits as text: %s", (source, expected) => {
  expect(parseJson(`{"id":${source},"list":[${source}, ${source}]}`)).toEqual({
    id: expected,
    list: [expected, expected],
  });
  expect(parseJson(source)).toBe(expected);
});

test.each([
  "0",
  "-0.5",
  "9007199254740991",
  "9007199254740992",
  "1e21",
  "1E+2",
  "100000000000000000000",
  "0.30000000000000004",
  "1.50000000000000000",
  "5e-324",
  "1.7976931348623157e308",
  "0e999",
])("a number that a double holds stays a number: %s", (source) => {
  expect(parseJson(`[${source}]`)).toEqual([Number(source)]);
});

test("digits in strings and names are left alone, whatever stands around them", () => {
  const value = { "653247040368672768": 'a "653247040368672768", \\', "\\": "1e400]\\\\" };
  expect(parseJson(JSON.stringify(value))).toEqual(value);
});

test("any JSON is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: "grapheme" }), (text) => {
      expect(parseJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

test("what is not JSON is refused, also where it begins like a long number", () => {
  for (const text of [
    "",
    "{",
    '"open',
    "01234567890123456789",
    "1234567890123456789-1",
    "[1e400",
    "-",
  ]) {
    expect(() => parseJson(text), text).toThrow(SyntaxError);
    expect(tryParseJson(text)).toBeUndefined();
  }
});

test("half a surrogate pair becomes U+FFFD in texts and names, a whole pair stays", () => {
  const text = String.raw`{"a\ud83d":"\ud83d\ude00 \uDE00 \ud83d\ud83d\ude00 \\ud83d \\\ud83d"}`;
  expect(parseJson(text)).toEqual({ "a\ufffd": "😀 \ufffd \ufffd😀 \\ud83d \\\ufffd" });
  expect(parseJson('["\ud83d"]')).toEqual(["\ufffd"]);
  expect(jsonText({ "a\ud83d": ["\ude00", "😀", "\\ud83d"] })).toBe(
    String.raw`{"a\ufffd":["\ufffd","😀","\\ud83d"]}`,
  );
});

test("megabytes of text, escapes and nesting are read in linear time without overflowing", () => {
  expect(parseJson(JSON.stringify("\n".repeat(2_000_000)))).toHaveLength(2_000_000);
  expect(parseJson(JSON.stringify("\\".repeat(2_000_000)))).toHaveLength(2_000_000);
  expect(parseJson("9".repeat(500_000))).toHaveLength(500_000);
  expect(parseJson(`1.${"0".repeat(500_000)}1`)).toHaveLength(500_003);
  const depth = 10_000;
  let value = parseJson(`${"[".repeat(depth)}653247040368672768${"]".repeat(depth)}`);
  for (let level = 0; level < depth; level += 1) value = Object(value)[0];
  expect(value).toBe("653247040368672768");
});

test("a long number is one whose digits a double does not keep", () => {
  expect(["653247040368672768", "1e400", "0.12345678901234567890"].every(isLongNumber)).toBe(true);
  expect(["", "1", "0030694", "1.5e3", "65324704036867276x", "x"].some(isLongNumber)).toBe(false);
});
