import fc from "fast-check";
import { expect, test } from "vitest";
import { cutPlace, cutText } from "../../src/text/cut-text.ts";

test.each([
  ["a family", "ab👩‍👩‍👧‍👦", 6, "ab…"],
  ["a flag", "🇩🇪🇫🇷🇮🇹", 7, "🇩🇪…"],
  ["a letter with accents", "ae\u0301\u0323b", 4, "a…"],
  ["a surrogate pair", "ab😀c", 4, "ab…"],
  ["a line break", "a\r\nb", 3, "a…"],
  ["a Devanagari syllable", "कक्षि x", 4, "क…"],
])("a cut does not split %s", (_what, text, max, expected) => {
  expect(cutText(text, max)).toBe(expected);
});

test("what fits is not cut", () => {
  expect(cutText("👩‍👩‍👧", 8)).toBe("👩‍👩‍👧");
});

test("a cut lands between the characters that a reader sees, or goes on", () => {
  const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  const part = fc.constantFrom(
    "a",
    " ",
    "\r\n",
    "é",
    "e\u0301",
    "漢",
    "😀",
    "👩‍👩‍👧",
    "🇩🇪",
    "क्षि",
    "👍🏽",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), fc.nat(100), (parts, at) => {
      const text = parts.join("");
      const starts = [...segmenter.segment(text)].map(({ index }) => index);
      const expected = [...starts, text.length].findLast((start) => start <= at);
      expect(cutPlace(text, at, -1)).toBe(expected);
    }),
  );
});

test("a pile of accents is cut somewhere, quickly, and reading on makes progress", () => {
  const pile = `a${"\u0301".repeat(1_000_000)}`;
  expect(cutPlace(pile, 500_000)).toBe(500_000);
  expect(cutPlace(pile, 10)).toBe(10);
  expect(cutPlace("😀", 1)).toBe(2);
});
