import { expect, test } from "vitest";
import { foldPage } from "../../../src/engine/research/fold-text.ts";
import { verifyQuote } from "../../../src/engine/research/verify-quote.ts";

const PAGE = `# Kestrel 4

The **Kestrel 4** controller draws 2,450 mW in [standby](https://example.com/standby?v=7) and 12.5 W under load.
It must not be mounted outdoors, but it may be mounted in a ventilated cabinet at up to 45 °C.

Setting \`watchdog_timeout\` limits how long the well-known supervisor waits for an infor-
mation frame — "silence" is answered with a restart.

Visitors are not allowed to enter the machine hall without a guide.
The café serves the same machine hall.`;

function check(quote: string, page = PAGE): string {
  const result = verifyQuote(foldPage(page), quote);
  return result.isVerified ? result.excerpt : result.problem;
}

test("A quote in other quotes, dashes, spaces, case and composition of letters is the page's own span", () => {
  expect(check("information frame - “silence” is answered")).toBe(
    'infor-\nmation frame — "silence" is answered',
  );
  expect(check("“THE CAFE\u0301 SERVES\u00a0the same\u200b machine hall.”")).toBe(
    "The café serves the same machine hall",
  );
});

test("Markup and link targets may be dropped, and words cut by a line break be whole", () => {
  expect(check("The Kestrel 4 controller draws 2,450 mW in standby and 12.5 W")).toBe(
    "The **Kestrel 4** controller draws 2,450 mW in [standby](https://example.com/standby?v=7) and 12.5 W",
  );
  expect(check("waits for an information frame")).toBe("waits for an infor-\nmation frame");
});

test("The offsets are those of the excerpt in the page", () => {
  const result = verifyQuote(foldPage(PAGE), "the WELL-KNOWN supervisor");
  expect(result).toEqual({
    isVerified: true,
    excerpt: "the well-known supervisor",
    start: PAGE.indexOf("the well-known"),
    end: PAGE.indexOf("the well-known") + "the well-known supervisor".length,
  });
});

test("A quote ends no word and no number in the middle", () => {
  expect(check("controller draws 2,4")).not.toContain("2,4");
  expect(check("mW in standby and 12")).not.toContain("12");
  expect(check("it is at 5 degrees", "Today it is at 5 degrees, said she")).toBe(
    "it is at 5 degrees",
  );
  expect(check("5 degrees at night", "It had -5 degrees at night")).toBe("altered");
});

test("Too short and too long texts are no quotes", () => {
  expect(check("standby")).toBe("too_short");
  expect(check("…........................'…")).toBe("too_short");
  expect(check("a ".repeat(3_000))).toBe("too_long");
});

test("An ellipsis stands for a short text of the same paragraph in the same order", () => {
  expect(check("The Kestrel 4 controller draws … 12.5 W under load")).toContain("in [standby]");
  expect(check("Setting watchdog_timeout limits [...] supervisor waits")).toContain("well-known");
  expect(check("and 12.5 W under load … The Kestrel 4 controller")).toBe("unfaithful_elision");
  expect(check("and 12.5 W under load ... Setting watchdog_timeout")).toBe("unfaithful_elision");
  const far = `The beginning of the story ${"and so on to the end ".repeat(30)} is the end of the story`;
  expect(check("The beginning of the story … is the end of the story", far)).toBe(
    "unfaithful_elision",
  );
});

test("An ellipsis stands for no negation or exception, and for nothing in an unknown language", () => {
  expect(check("Visitors are ... to enter the machine hall without a guide")).toBe(
    "unfaithful_elision",
  );
  expect(check("allowed to enter the … machine hall. The café", PAGE)).toBe("unfaithful_elision");
  const basque = "Etxe honetako atea goizean irekitzen dute eta gauean ixten dute beti lagunek.";
  expect(check("Etxe honetako atea … gauean ixten dute", basque)).toBe("unfaithful_elision");
  const german =
    "Die Tür des Hauses ist am Morgen nicht mit dem Schlüssel des Pförtners zu öffnen.";
  expect(check("Die Tür des Hauses ist … mit dem Schlüssel des Pförtners", german)).toBe(
    "unfaithful_elision",
  );
});

test("A quote that leaves out the negation before it is altered", () => {
  expect(check("allowed to enter the machine hall")).toBe("altered");
});

test("A typo is accepted, and the excerpt has the page's spelling", () => {
  expect(check("It must not be mounted outdors, but it may be mounted")).toBe(
    "It must not be mounted outdoors, but it may be mounted",
  );
});

test.each([
  ["a number", "controller draws 2,460 mW in standby and 12.5 W under load"],
  [
    "a number in words",
    "There are seven million spare parts in the store",
    "There are seven billion spare parts in the store",
  ],
  [
    "a word of the page",
    "It must not be mounted outdoors, but it may be mountain",
    "It must not be mounted outdoors, but it may be mounted. A mountain",
  ],
  [
    "a prefix",
    "It is impossible to restart the controller by hand",
    "It is possible to restart the controller by hand",
  ],
  ["a short word", "Visitors are now allowed to enter the machine hall without a guide"],
])("A quote with %s changed is altered", (_what, quote, page = PAGE) => {
  expect(check(quote, page)).toBe("altered");
});

test("A quote with a negation added or left out is not found", () => {
  expect(check("It must be mounted outdoors, but it may be mounted")).toBe("absent");
  expect(check("It may not be mounted in a ventilated cabinet at up to 45 °C")).toBe("absent");
});

test("What the page does not say is absent", () => {
  expect(check("The controller has been certified for maritime use")).toBe("absent");
  expect(check("draws 2,450 mW in standby and has a colour display")).toMatch(/absent|altered/);
});

test("Large and hostile pages and quotes take little time", () => {
  const pages = [
    "a".repeat(1_000_000),
    "a ".repeat(500_000),
    "](".repeat(500_000),
    "](((((".repeat(150_000),
    "-\n".repeat(500_000),
    `${"The quick brown fox jumps. ".repeat(40_000)}end`,
    "ﷺ\u0301".repeat(50_000),
  ];
  const quotes = [
    "a".repeat(1_999),
    `${"a ".repeat(900)}b`,
    "aaaaaaaaaaaa … ".repeat(130),
    "the quick brown fox jumps … the quick brown fix jumps",
    "fox jumps. the quick brown fax jumps. the quick",
    "'".repeat(3_999),
  ];
  const began = performance.now();
  for (const text of pages) {
    const page = foldPage(text);
    for (const quote of quotes) verifyQuote(page, quote);
  }
  // Quadratic work would take hours.
  expect(performance.now() - began).toBeLessThan(60_000);
});
