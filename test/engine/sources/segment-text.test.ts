import fc from "fast-check";
import { expect, test } from "vitest";
import { segmentText } from "../../../src/engine/sources/text/segment-text.ts";
import { splitSentences } from "../../../src/engine/sources/text/sentences.ts";
import { splitWords } from "../../../src/engine/sources/text/words.ts";

const segmenter = new Intl.Segmenter("en", { granularity: "word" });

test("segments stand at their index and make up the whole text, however it is cut", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 2, max: 9 }), (text, max) => {
      const segments = [...segmentText(segmenter, text, max)];
      expect(segments.map(({ segment }) => segment).join("")).toBe(text);
      for (const { segment, index } of segments) expect(text.startsWith(segment, index)).toBe(true);
    }),
  );
});

test("a long text without spaces is split into words and sentences at once", () => {
  // 40,000 signs took minutes and gigabytes when they were segmented in one piece.
  const text = "国内生产总值".repeat(7_000);
  expect(splitWords(text).length).toBeGreaterThan(10_000);
  expect(splitSentences(text).join("")).toBe(text);
});
