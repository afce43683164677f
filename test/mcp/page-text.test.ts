import fc from "fast-check";
import { expect, test } from "vitest";
import { oneLine } from "../../src/mcp/report/text.ts";
import { pageText } from "../../src/mcp/report/reading/pages.ts";

test("the pages of a text, read on from each other, are the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 40 }), (text, budget) => {
      let read = "";
      let offset: number | null = 0;
      while (offset !== null) {
        const page = pageText(text, offset, budget);
        expect(page.offset).toBe(offset);
        read += page.text;
        offset = page.nextOffset;
      }
      expect(read).toBe(text);
    }),
  );
});

test("a page weighs no more than its budget, in UTF-8 as in a JSON string", () => {
  const character = fc.constantFrom("a", "é", "漢", "😀", '"', "\\", "\n", "\t", "\u0001");
  fc.assert(
    fc.property(
      fc.array(character).map((all) => all.join("")),
      fc.integer({ min: 6, max: 60 }),
      (text, budget) => {
        const page = pageText(text, 0, budget).text;
        expect(Buffer.byteLength(page)).toBeLessThanOrEqual(budget);
        expect(JSON.stringify(page).length - 2).toBeLessThanOrEqual(budget);
      },
    ),
  );
});

test("a page ends with a whole line when one ends near its end", () => {
  const page = pageText("first line\nsecond line\nthird", 0, 26);
  expect(page).toEqual({
    text: "first line\nsecond line\n",
    offset: 0,
    nextOffset: 23,
    totalChars: 28,
  });
});

test("an offset inside a surrogate pair goes back to its start", () => {
  expect(pageText("a😀b", 2, 100).text).toBe("😀b");
});

test("an offset behind the end gives an empty last page", () => {
  expect(pageText("abc", 9, 100)).toEqual({
    text: "",
    offset: 3,
    nextOffset: null,
    totalChars: 3,
  });
});

test("text from outside becomes one line without control characters, and says that it was cut", () => {
  expect(oneLine(" a\r\nb\u0000\u2028c\td ", 100)).toBe("a b c d");
  expect(oneLine("word ".repeat(20), 12)).toBe("word word wo…");
});

test("neither a page nor a line ends inside what a reader takes for one character", () => {
  expect(pageText("ab👩‍👩‍👧c", 0, 14)).toMatchObject({ text: "ab", nextOffset: 2 });
  expect(pageText("👩‍👩‍👧👩‍👩‍👧", 0, 20).text).toBe("👩‍👩‍👧");
  expect(oneLine("ae\u0301 e\u0301e\u0301", 8)).toBe("ae\u0301 e\u0301…");
  expect(oneLine("a\u001b[31mb\u202ec\u{e0041}", 100)).toBe("abc");
});
