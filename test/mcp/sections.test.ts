import fc from "fast-check";
import { expect, test } from "vitest";
import { PartNotFound } from "../../src/mcp/arguments/argument-problems.ts";
import { findSections, outlineOf, pickSection } from "../../src/mcp/report/reading/output-parts.ts";

const report = [
  "Before any heading.",
  "# Report",
  "Intro.",
  "## Methods",
  "How.",
  "```",
  "# a comment, not a heading",
  "```",
  "### Sources `A` and **B**",
  "Which.",
  "## Results ##",
  "What.",
  "## Methods",
  "Again.",
].join("\n");

const textOf = (name: string) => pickSection(report, name);

test("headings are found with their level; the second of a name gets a number", () => {
  expect(findSections(report).map(({ name, level }) => [level, name])).toEqual([
    [1, "Report"],
    [2, "Methods"],
    [3, "Sources A and B"],
    [2, "Results"],
    [2, "Methods (2)"],
  ]);
});

test("a section holds its deeper headings and ends at the next of its level", () => {
  expect(textOf("Methods")).toBe(
    "## Methods\nHow.\n```\n# a comment, not a heading\n```\n### Sources `A` and **B**\nWhich.",
  );
  expect(textOf("Methods (2)")).toBe("## Methods\nAgain.");
  expect(textOf("Report")).toBe(report.slice(report.indexOf("# Report")));
});

test.each(["results", "  RESULTS ", "## Results", "Res"])(
  "%j means the section Results",
  (asked) => {
    expect(textOf(asked)).toBe("## Results ##\nWhat.");
  },
);

test("a beginning that several names share means none of them", () => {
  expect(() => textOf("M")).toThrow(PartNotFound);
  expect(() => textOf("Nothing")).toThrow(PartNotFound);
});

test("sections lie within the text and nest, whatever the text is", () => {
  const line = fc.oneof(
    fc.constantFrom("# a", "## b", "### c", "```", "~~~", "text", "", "#", "####### x"),
    fc.string({ maxLength: 20 }),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
      const text = lines.join("\n");
      const sections = findSections(text);
      expect(new Set(sections.map(({ name }) => name)).size).toBe(sections.length);
      for (const [index, { start, end, level }] of sections.entries()) {
        expect(start).toBeLessThan(end);
        expect(end).toBeLessThanOrEqual(text.length);
        const after = sections.slice(index + 1).find((other) => other.level <= level);
        expect(end).toBe(after?.start ?? text.length);
      }
    }),
  );
});

test("hostile headings cost no more than their length", () => {
  const text = `${`# ${" x".repeat(200_000)}\n`.repeat(3)}# ${" ".repeat(400)}#\n`.repeat(2);
  expect(findSections(text).length).toBeLessThan(4);
});

test("an outline goes as deep as its budget allows, and never beyond it", () => {
  const many = Array.from(
    { length: 300 },
    (_, index) => `## Chapter ${index}\n### Detail ${index}`,
  );
  const sections = findSections(["# Book", ...many].join("\n"));
  expect(outlineOf(sections, 100_000)).toHaveLength(601);
  expect(outlineOf(sections, 20_000)).toHaveLength(301);
  expect(outlineOf(sections, 500)).toEqual([
    { section: "Book", level: 1, chars: expect.any(Number) },
  ]);
  const flat = findSections(many.map((line) => line.split("\n")[0] ?? "").join("\n"));
  const short = outlineOf(flat, 500);
  expect(short.length).toBeGreaterThan(3);
  expect(JSON.stringify(short).length).toBeLessThan(800);
});
