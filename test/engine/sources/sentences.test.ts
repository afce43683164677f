import { expect, test } from "vitest";
import { splitSentences } from "../../../src/engine/sources/text/sentences.ts";

test.each([
  ["It was $3.05 trillion. It grew.", ["It was $3.05 trillion.", "It grew."]],
  ["The U.S. economy grew. Dr. Smith agrees.", ["The U.S. economy grew.", "Dr. Smith agrees."]],
  [
    "Built approx. 1,200 years ago, i.e. early. Yes!",
    ["Built approx. 1,200 years ago, i.e. early.", "Yes!"],
  ],
  ["J. R. R. Tolkien wrote it. True?", ["J. R. R. Tolkien wrote it.", "True?"]],
  ["Year: 2023; GDP: $3.05 trillion\nnext line", ["Year: 2023; GDP: $3.05 trillion", "next line"]],
  ["法国在欧洲。首都是巴黎。", ["法国在欧洲。", "首都是巴黎。"]],
  ["", []],
])("%j", (text, sentences) => {
  expect(splitSentences(text)).toEqual(sentences);
});

test.each(["A. ", "St. ", "u.s. "])(
  "a line of nothing but %j is cut at some length, at once",
  (text) => {
    // 80,000 of them took a minute when all that went before was read again for each.
    const sentences = splitSentences(text.repeat(80_000));
    expect(sentences.join(" ")).toBe(text.repeat(80_000).trim());
    for (const sentence of sentences) expect(sentence.length).toBeLessThan(4_000);
  },
);
