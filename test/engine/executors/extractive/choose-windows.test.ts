import { expect, test } from "vitest";
import { chooseWindows } from "../../../../src/engine/executors/extractive/choose-windows.ts";
import { readingBudget } from "../../../../src/engine/research/budgets.ts";

const document = {
  id: 1,
  title: "Lamps",
  url: "file:///lamps.md",
  publishedOn: null,
  hash: "",
  passageCount: 1,
};

function windowOf(letter: string, length: number) {
  const text = letter.repeat(length);
  const passage = { document, position: 0, heading: "", text, place: null };
  return { passage, text, best: text, score: 0, coverage: 0, words: [] };
}

test("a window too long for the room that is left leaves it to shorter ones; a higher processor adds it", () => {
  const close = [windowOf("a", 1_000), windowOf("b", 400), windowOf("c", 300), windowOf("d", 150)];
  const found = {
    quoted: [],
    close,
    missing: [],
    hasWords: true,
    passages: [],
  };
  const shownTo = (processor: string) =>
    chooseWindows(found, readingBudget(processor), {
      input: { input: "Where do the lamps stand?", processor },
      previous: [],
    }).close.map(({ text }) => text[0]);
  expect(shownTo("base")).toEqual(["a", "b", "d"]);
  expect(shownTo("core")).toEqual(["a", "b", "d", "c"]);
});
