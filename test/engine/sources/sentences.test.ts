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
