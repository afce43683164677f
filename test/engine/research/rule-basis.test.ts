import { expect, test } from "vitest";
import { basisByRule, statesValue } from "../../../src/engine/research/rule-basis.ts";

test.each([
  [3_050_000_000_000, "GDP was $3.05 trillion in 2023", true],
  [1234.5, "It costs 1,234.5 euros", true],
  [12, "It costs 120 euros", false],
  [2, "See the notes [2] and section 1.2.3", true],
  [2, "See section 1.2.3", false],
  ["1945-10-24", "The charter entered into force on October 24, 1945.", true],
  ["1945-10-24", "The charter of 1945 has 24 articles and 10 chapters", false],
  ["Mary Ann Keller", "Keller, Mary Ann: chief engineer", true],
  ["Mary Ann Keller", "Mary Keller is the chief engineer", false],
  [true, "It is true", false],
  [["copper", "tin"], "Bronze is an alloy of copper and tin", true],
  [["copper", "zinc"], "Bronze is an alloy of copper and tin", false],
  [{ name: "Ada", born: 1815 }, "Ada was born in 1815", true],
  [
    "The pump restarts by itself after 30 seconds unless the guard is open and the lamp is red",
    "Unless its guard is open and the red lamp lit, the pump will restart after 30 seconds by itself",
    true,
  ],
  [
    "The pump restarts by itself after 40 seconds unless the guard is open and the lamp is red",
    "Unless its guard is open and the red lamp lit, the pump will restart after 30 seconds by itself",
    false,
  ],
])("%j is stated in %j: %s", (value, excerpt, isStated) => {
  expect(statesValue(excerpt, value)).toBe(isStated);
});

const at = (url: string, excerpt: string) => ({ excerpt, document: { url, title: url } });

test("Confidence counts independent sources whose excerpts state the value", () => {
  const confidenceOf = (...excerpts: ReturnType<typeof at>[]) =>
    basisByRule({ field: "price", value: 40, excerpts }).confidence;
  const a = at("https://www.a.example/1", "It costs 40 dollars.");
  expect(confidenceOf(a, at("https://b.example/", "The price is 40."))).toBe("high");
  expect(confidenceOf(a, at("https://shop.a.example/2", "The price is 40."))).toBe("medium");
  expect(confidenceOf(a, at("https://b.example/", "It costs 40 dollars."))).toBe("medium");
  expect(confidenceOf(at("file:///a.md#L3", "40 of them"), at("file:///b.md", "It is 40"))).toBe(
    "high",
  );
  expect(confidenceOf(at("file:///a.md", "40 of them"), at("file:///a.md#L9", "It is 40"))).toBe(
    "medium",
  );
  expect(confidenceOf(at("https://b.example/", "It is rather expensive."))).toBe("low");
  expect(confidenceOf()).toBe("low");
});

test("The reasoning says what the evidence shows", () => {
  const reasoningOf = (value: unknown, ...excerpts: ReturnType<typeof at>[]) =>
    basisByRule({ field: "price", value, excerpts }).reasoning;
  const stating = at("https://a.example/1", "It costs 40 dollars.");
  expect(reasoningOf(40, stating)).toBe(
    "1 verified excerpt of 1 independent source states the value.",
  );
  expect(reasoningOf(true, stating)).toContain("inferred");
  expect(reasoningOf(40)).toContain("cited no evidence");
  expect(reasoningOf(null)).toContain("No value was found");
});
