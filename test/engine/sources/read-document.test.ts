import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { DocumentUnreadable } from "../../../src/engine/sources/document.ts";
import { readDocument } from "../../../src/engine/sources/readers/read-document.ts";
import { createFolder } from "./document-fixtures.ts";

async function read(name: string, content: string | Buffer) {
  const folder = await createFolder({ [name]: content });
  return { path: join(folder, name), document: await readDocument(join(folder, name)) };
}

test("front matter gives title, address and date of a Markdown document", async () => {
  const { document } = await read(
    "a.md",
    "---\ntitle: The euro\nurl: https://example.org/euro\ndate: 2024-05-01\n---\n\n# Other\n\nText.\n",
  );
  expect(document).toMatchObject({
    title: "The euro",
    url: "https://example.org/euro",
    publishedOn: "2024-05-01",
    passages: [{ heading: "Other", text: "Text." }],
    problems: [],
  });
});

test("`source` and `published` are read as well", async () => {
  const { document } = await read(
    "a.md",
    "---\nsource: https://example.org/a\npublished: 2024-05\n---\nText.\n",
  );
  expect(document).toMatchObject({ url: "https://example.org/a", publishedOn: "2024-05-01" });
});

test.each([
  ["broken YAML", "---\ntitle: [unclosed\nurl: x: y\n---\nThe body.\n", /not valid YAML/],
  [
    "a list instead of fields",
    "---\n- one\n- two\n---\nThe body.\n",
    /not a list of `name: value`/,
  ],
  ["a date that is none", "---\ndate: 2024-13-77\n---\nThe body.\n", /YYYY-MM-DD/],
])("front matter with %s is a problem, and the body is still read", async (_, text, problem) => {
  const { document, path } = await read("a.md", text);
  expect(document.problems).toEqual([expect.stringMatching(problem)]);
  expect(document.passages).toMatchObject([{ heading: "", text: "The body." }]);
  expect(document.url).toBe(pathToFileURL(path).href);
});

test("without a title the first heading is the title, and without one the file name", async () => {
  expect((await read("a.md", "Intro.\n\n# Real title\n\nText.\n")).document.title).toBe(
    "Real title",
  );
  expect((await read("the-file.md", "Only text.\n")).document.title).toBe("the-file");
});

test("Markdown markup is stripped, and links keep their text", async () => {
  const { document } = await read(
    "a.md",
    "# T\n\nSome **bold** and *slanted* `code`, a [link](https://example.org) &amp; an\nescaped \\* star.<br>End.\n\n- one\n- two\n  - nested\n\n> quoted\n",
  );
  expect(document.passages).toMatchObject([
    {
      heading: "",
      text: "Some bold and slanted code, a link & an escaped * star.End.\none\ntwo\nnested\nquoted",
    },
  ]);
});

test("headings make the path of a passage", async () => {
  const { document } = await read("a.md", "# T\n\n## A\n\n### B\n\nx\n\n## C\n\ny\n");
  expect(document.passages).toMatchObject([
    { heading: "A › B", text: "x" },
    { heading: "C", text: "y" },
  ]);
});

test("a table row names its columns", async () => {
  const { document } = await read(
    "a.md",
    "| Year | GDP |\n|--|--|\n| 2022 | **$2.80 trillion** |\n| 2023 | |\n",
  );
  expect(document.passages[0]?.text).toBe("Year: 2022; GDP: $2.80 trillion\nYear: 2023");
});

test("an HTML page gives its title, canonical address, text and tables, without scripts and navigation", async () => {
  const { document } = await read(
    "a.html",
    `<html><head><title>Planets &amp; moons</title><link rel="canonical" href="https://example.org/planets">
     <meta property="og:url" content="https://example.org/other"><meta name="date" content="2024-02-03T10:00:00Z">
     <style>p{color:red}</style></head><body><nav>Menu</nav><h1>Planets &amp; moons</h1><p>Eight <a href="/x">planets</a>.</p>
     <h2>Size</h2><table><tr><th>Planet</th><th>Diameter</th></tr><tr><td>Mars</td><td>6,792&nbsp;km</td></tr></table>
     <ul><li>one</li><li>two</li></ul><script>alert(1)</script></body></html>`,
  );
  expect(document).toMatchObject({
    title: "Planets & moons",
    url: "https://example.org/planets",
    publishedOn: "2024-02-03",
    passages: [
      { heading: "", text: "Eight planets." },
      { heading: "Size", text: "Planet: Mars; Diameter: 6,792 km\none\ntwo" },
    ],
    problems: [],
  });
});

test("the term of a definition is the heading of what is said of it", async () => {
  const { document } = await read(
    "a.html",
    `<h1>T</h1><h2>Memory</h2><dl><dt>shared_buffers</dt><dd><p>The default is 128 MB.<p>Raise it.</dd>
     <dt>-q</dt><dt>--quiet</dt><dd>Says less. <dl><dt>level</dt><dd>How much.</dd></dl>Or nothing.</dd></dl>
     <p>After the list.<h2>Next</h2>Text.`,
  );
  expect(document.passages).toMatchObject([
    { heading: "Memory › shared_buffers", text: "The default is 128 MB.\nRaise it." },
    { heading: "Memory › -q, --quiet", text: "Says less." },
    { heading: "Memory › -q, --quiet › level", text: "How much." },
    { heading: "Memory › -q, --quiet", text: "Or nothing." },
    { heading: "Memory", text: "After the list." },
    { heading: "Next", text: "Text." },
  ]);
});

test("menus, feet, marks of headings and lists of a page's own headings are left out", async () => {
  const { document } = await read(
    "a.html",
    `<title>T</title><ul><li><a href="/a">Home</a><li><a href="b.html">About us</a><li><a href="c">Help</a></ul>
     <div class="big navheader">Prev Next</div><div role="navigation">Up</div>
     <h2>Fees <a href="#fees">¶</a></h2><ul><li><a href="#x">Cars</a><li><a href="#y">Vans</a><li><a href="#z">Bikes</a></ul>
     <p>See <a href="b.html">the list</a>.</p><ul><li><a href="d">Selvik</a><li><a href="e">Torsa</a><li><a href="f">Pell</a></ul>
     <pre>first line\nsecond line</pre><hr><div class="footer">Made by hand</div>`,
  );
  expect(document.passages).toMatchObject([
    { heading: "Fees", text: "See the list.\nSelvik\nTorsa\nPell\nfirst line\nsecond line" },
  ]);
});

test.each([
  ["a list", (links: string[]) => `<ul>${links.map((link) => `<li>${link}`).join("")}</ul>`],
  ["a table", (links: string[]) => `<table><tr><td>${links.join("<br>")}</table>`],
  ["terms", (links: string[]) => `<dl>${links.map((link) => `<dt>by ${link}`).join("")}</dl>`],
])("of an index in %s only the prose is read", async (_, write) => {
  const links = Array.from(
    { length: 90 },
    (_link, index) => `<a href="p${index}.html">Subject ${index}</a>`,
  );
  const { document } = await read(
    "a.html",
    `<title>Index</title><p>All subjects.</p>${write(links)}`,
  );
  expect(document.passages).toMatchObject([{ text: "All subjects." }]);
  const elsewhere = write(links).replaceAll('"p', '"https://example.org/p');
  expect((await read("a.html", elsewhere)).document.passages.length).toBeGreaterThan(0);
});

test("the Open Graph address serves where there is no canonical one", async () => {
  const { document } = await read(
    "a.htm",
    `<meta property="og:url" content="https://example.org/og"><p>Text`,
  );
  expect(document.url).toBe("https://example.org/og");
});

test("a text file joins wrapped lines, and its short first line is the title", async () => {
  const { document } = await read("a.txt", "About light\n\nLight is\nfast.\n\n- one\n- two\n");
  expect(document.title).toBe("About light");
  expect(document.passages).toMatchObject([{ heading: "", text: "Light is fast.\none\ntwo" }]);
});

test.each([
  ["a line", "a.txt", "The wifi password is hunter2\n", "The wifi password is hunter2"],
  [
    "a line with a colon",
    "a.txt",
    "Door: the garage code is 9090\n",
    "Door: the garage code is 9090",
  ],
  ["a heading", "a.md", "# The alarm code is 4711\n", "The alarm code is 4711"],
  ["a heading below others", "a.md", "# Codes\n\n## The safe is 1212\n", "The safe is 1212"],
  ["a page's title", "a.html", "<title>The gate is 3434</title>", "The gate is 3434"],
  ["a term", "a.html", "<p>Codes<dl><dt>The shed is 7878</dl>", "The shed is 7878"],
  ["a title in front matter", "a.md", "---\ntitle: The bike is 56\n---\n", "The bike is 56"],
])("%s with nothing below it is a passage", async (_, name, content, text) => {
  const { document } = await read(name, content);
  expect(document.passages.at(-1)).toMatchObject({ text });
});

test("a heading with nothing below it stands under the headings above it, in its place", async () => {
  const { document } = await read("a.md", "# T\n\n## A\n\n### B\n\n## C\n\nText.\n\n## D\n");
  expect(document.passages).toEqual([
    { heading: "A", text: "B", place: { unit: "line", number: 5 } },
    { heading: "C", text: "Text.", place: { unit: "line", number: 9 } },
    { heading: "", text: "D", place: { unit: "line", number: 11 } },
  ]);
});

test("lines may end with a carriage return", async () => {
  for (const lineEnd of ["\r", "\r\n", "\n"]) {
    const content = ["One", "", "Two.", "", "- three", "- four"].join(lineEnd);
    for (const name of ["a.txt", "a.md"]) {
      const { passages } = (await read(name, content)).document;
      expect(passages.at(-1)?.text).toContain("Two.\nthree\nfour");
    }
  }
});

test("passages of a text know the line where they begin", async () => {
  const long = "A sentence that is repeated to fill a passage. ".repeat(20);
  const markdown = [
    "---\ntitle: T\n---\nIntro.\n\n## Lists\n\n- one\n\n  more\n- two\n",
    `## Table\n\n| a |\n|---|\n| ${long} |\n| ${long} |\n`,
    `## Code\n\n\`\`\`\n${long}\n${long}\n\`\`\`\n\n    ${long}\n`,
    `> ## Quote\n> ${long}\n>\n> ${long}\n`,
  ].join("\n");
  const { passages } = (await read("a.md", markdown)).document;
  const lines = passages.map(({ place }) => place?.number ?? 0);
  expect(lines).toEqual([4, 8, 17, 18, 23, 24, 27, 30, 32]);
  for (const [index, { text }] of passages.entries()) {
    expect(markdown.split("\n")[(lines[index] ?? 0) - 1]).toContain(
      text.replace(/^a: /, "").slice(0, 3),
    );
  }

  const { document } = await read("a.txt", `T\n\n${long}\n${long}\n\n${long}\n`);
  expect(document.passages.map(({ place }) => place?.number)).toEqual([3, 3, 6]);
});

const MEMO = `Network Working Group                               A. Writer
Request for Notes: 42                                     Office
Category: Informational                               March 2021

                    The Lamp Protocol and
                      Its Extensions

Abstract

   This memo is about lamps.

Table of Contents

   1.  Introduction ................................1
   2.  Limits ......................................2
     2.1.  Size limits .............................2
   Appendix A.  History ............................3

1.  Introduction

   Lamps are

Writer                                                  [Page 1]

Note 42                     Lamps                     March 2021

   lit at night.

   1.  First they are filled.

   2.  Then they are lit.

2.  Limits

2.1.  Size limits

   labels          63 octets or less
   names           255 octets or less

Writer                                                  [Page 2]

Note 42                     Lamps                     March 2021

   All sizes are in octets.

Writer                                                  [Page 3]

Note 42                     Lamps                     March 2021

Appendix A.  History

   There was a lamp.

Writer                                                  [Page 4]
`;

test("a memo of pages has a title below its head, headings, and neither page edges nor contents", async () => {
  const { document } = await read("note42.txt", MEMO);
  expect(document.title).toBe("The Lamp Protocol and Its Extensions");
  expect(document.passages.slice(1).map(({ heading, text }) => [heading, text])).toEqual([
    ["Abstract", "This memo is about lamps."],
    ["", "Table of Contents"],
    [
      "1. Introduction",
      "Lamps are lit at night.\n1. First they are filled.\n2. Then they are lit.",
    ],
    [
      "2. Limits › 2.1. Size limits",
      "labels 63 octets or less\nnames 255 octets or less\nAll sizes are in octets.",
    ],
    ["Appendix A. History", "There was a lamp."],
  ]);
});

test("underlined lines are headings, by the order of their signs, and markup is no title", async () => {
  const { document } = await read(
    "a.txt",
    ":tocdepth: 2\n\n=====\nLamps\n=====\n\nIntro.\n\nOil\n---\nText.\n\nWicks\n~~~~~\n\nMore.\n\nGas\n---\n\nEnd.\n",
  );
  expect(document.title).toBe("Lamps");
  expect(document.passages.map(({ heading, text }) => [heading, text])).toEqual([
    ["", ":tocdepth: 2"],
    ["", "Intro."],
    ["Oil", "Text."],
    ["Oil › Wicks", "More."],
    ["Gas", "End."],
  ]);
});

test("a numbered list and a lone number are text, not headings or page numbers", async () => {
  const { document } = await read(
    "a.txt",
    "Errands\n\n1. Buy milk\n\n2. Call Bob\n\n3. Sleep\n\n1\n",
  );
  expect(document.passages).toMatchObject([
    { heading: "", text: "1. Buy milk\n2. Call Bob\n3. Sleep\n1" },
  ]);
});

test("an empty file is a document without passages", async () => {
  expect((await read("a.md", "")).document.passages).toEqual([]);
});

test("long text is cut into bounded passages between sentences", async () => {
  const sentence = "This sentence about the river has a fixed length and says nothing else. ";
  const { document } = await read("a.txt", sentence.repeat(100));
  expect(document.passages.length).toBeGreaterThan(5);
  for (const { text } of document.passages) {
    expect(text.length).toBeLessThanOrEqual(1_200);
    expect(text).toMatch(/^This sentence .* else\.$/);
  }
});

test("text without any punctuation is cut too, and nothing is lost", async () => {
  const { document } = await read("a.txt", "数".repeat(5_000));
  expect(document.passages.map(({ text }) => text).join("")).toBe("数".repeat(5_000));
});

test("UTF-16 with a byte order mark and a declared HTML charset are decoded", async () => {
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("Grüße.", "utf16le")]);
  expect((await read("a.txt", utf16)).document.passages[0]?.text).toBe("Grüße.");
  const latin1 = Buffer.from('<meta charset="iso-8859-1"><p>Grüße.</p>', "latin1");
  expect((await read("a.html", latin1)).document.passages[0]?.text).toBe("Grüße.");
});

test("a binary file is refused with a reason", async () => {
  const folder = await createFolder({ "a.md": Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2]) });
  const reading = readDocument(join(folder, "a.md"));
  await expect(reading).rejects.toBeInstanceOf(DocumentUnreadable);
  await expect(reading).rejects.toThrow("is a binary file");
});

test("hostile markup does not bring the reader down", async () => {
  const html = `${"<div>".repeat(50_000)}deep${"<table>".repeat(20_000)}`;
  const folder = await createFolder({
    "a.html": html,
    "b.md": `${"> ".repeat(5_000)}deep`,
    // Unmatched emphasis: without a bound this one line takes minutes.
    "c.md": "*a_".repeat(200_000),
  });
  for (const name of ["a.html", "b.md", "c.md"]) {
    const outcome = await readDocument(join(folder, name)).catch((error: unknown) => error);
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(DocumentUnreadable);
    else expect(outcome).toHaveProperty("passages");
  }
});

test("a form feed ends a page: text over the end of a page stays whole, without heads and feet", async () => {
  const pages = [
    "Lamp manual\n\nLamps\n\nThe lamps are lit\n\nPage 1",
    "Lamp manual\n\nat night.\n\nPage 2",
    "Lamp manual\n\nThey are filled by day.\n\nPage 3",
  ];
  const { document } = await read("lamps.txt", pages.join("\n\f"));
  const text = document.passages.map((passage) => passage.text).join("\n");
  expect(text).toContain("The lamps are lit at night.\nThey are filled by day.");
  expect(text).not.toMatch(/Lamp manual|Page \d/);
});
