import { expect, test } from "vitest";
import { bestQuote, createAsk, quotesOf } from "./run-extractive.ts";

const FILES = {
  "peak.md":
    "# Mount Arlo\n\nMount Arlo is the highest mountain of the Arlo range. Its summit lies 3,021 metres above the sea.\n\n## Ice\n\nThe Arlo ice covered 6.1 square kilometres in 1960.\n",
  "other-peak.md":
    "# Mount Brin\n\nMount Brin is the second mountain of the Arlo range, at 2,710 metres.\n",
  "handbook.md":
    "# Leave\n\nThis chapter is from the staff handbook of Quill Press.\n\n## Holidays\n\nEvery employee has 28 days of paid holiday a year.\n",
  "museum.md":
    "# Arlo Museum\n\nThe Arlo Museum opened in 1926 and has 118,000 objects.\n\n## Dig at the Vesk\n\nAt the Vesk the longest house measured 27 metres.\n",
  "cooking.md": "# Cooking\n\nThe cooking of the valley uses barley and trout.\n",
};

test("a height is answered in metres, not by an area, nor by a neighbour", async () => {
  const ask = await createAsk(FILES);
  const quotes = quotesOf(await ask("How high is Mount Arlo?"));
  expect(quotes).toContain("3,021 metres");
  expect(quotes).not.toContain("square kilometres");
  expect(bestQuote(await ask("How high is Mount Brin?"))).toContain("2,710 metres");
});

test("the introduction of a document says what its sentences are about", async () => {
  const ask = await createAsk(FILES);
  const answer = await ask("How many days of paid holiday do employees of Quill Press have?");
  expect(bestQuote(answer)).toContain("28 days");
});

test.each([
  ["what is counted must be mentioned", "How many storeys does the Arlo Museum have?"],
  ["what is measured must be mentioned", "What is the salary of the director of the Arlo Museum?"],
  ["a name of something else is another subject", "What is the length of the river Vesk?"],
  ["one ordinary word is not enough", "How do I cook lasagne?"],
])("%s", async (_, question) => {
  const ask = await createAsk(FILES);
  expect(quotesOf(await ask(question))).toMatch(/^The documents contain no answer/);
});
