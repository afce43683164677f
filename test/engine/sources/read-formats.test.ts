import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DocumentUnreadable } from "../../../src/engine/sources/document.ts";
import { readDocument } from "../../../src/engine/sources/readers/read-document.ts";
import { createFolder } from "./document-fixtures.ts";
import { makeDocx, makePdf, makeZip } from "./office-files.ts";

async function read(name: string, content: string | Buffer) {
  return readDocument(join(await createFolder({ [name]: content }), name));
}

describe("a PDF", () => {
  test("gives its title, headings, and paragraphs across lines and pages", async () => {
    const { title, passages } = await read(
      "a.pdf",
      makePdf([
        [
          "# The harbour",
          "",
          "The lighthouse is 41 metres",
          "high and was built in nine-",
          "teen months.",
          "",
          "It shines",
        ],
        ["every ten seconds.", "", "2"],
      ]),
    );
    expect(title).toBe("The harbour");
    expect(passages).toMatchObject([
      {
        heading: "",
        text: "The lighthouse is 41 metres high and was built in nineteen months.\nIt shines every ten seconds.",
      },
    ]);
  });

  test("gives the page of each passage, and no passage of two pages", async () => {
    const { passages } = await read(
      "a.pdf",
      makePdf([["# One", "", "First."], ["Second."], ["Third goes", "on."]]),
    );
    expect(passages).toEqual([
      { heading: "", text: "First.", place: { unit: "page", number: 1 } },
      { heading: "", text: "Second.", place: { unit: "page", number: 2 } },
      { heading: "", text: "Third goes on.", place: { unit: "page", number: 3 } },
    ]);
  });

  test("is read without running heads and feet, and without its table of contents", async () => {
    const page = (number: number, ...lines: string[]) => [
      number % 2 === 0 ? "The harbour" : "Chapter 1: Lights",
      "",
      ...lines,
      "",
      `Harbour office, page ${number}`,
    ];
    const { passages } = await read(
      "a.pdf",
      makePdf([
        page(
          1,
          "# Guide",
          "",
          "1.1 Lamps . . . . . . . 2",
          "1.2 Horns . . . . . . . 4",
          "1.3 Bells ........ 6",
        ),
        page(2, "# 1.1 Lamps", "", "There are 41 lamps,"),
        page(3, "all of them red.", "", "12"),
        page(4, "# 1.2 Horns", "", "Two."),
        page(5, "Pier 4: 12 rings", "", "Pier 5: 13 rings"),
        page(6, "# 1.3 Bells", "", "None."),
      ]),
    );
    expect(passages.map(({ heading, text }) => [heading, text])).toEqual([
      ["1.1 Lamps", "There are 41 lamps, all of them red."],
      ["1.1 Lamps", "12"],
      ["1.2 Horns", "Two."],
      ["1.2 Horns", "Pier 4: 12 rings\nPier 5: 13 rings"],
      ["1.3 Bells", "None."],
    ]);
  });

  test.each(["^string1^string2^", "1998", "draft.docx"])("%j is no title of it", async (title) => {
    const pages = [["# Heading", "", "Some text of the page."]];
    expect((await read("a.pdf", makePdf(pages, { title }))).title).toBe("Heading");
  });

  test("has the title that it declares, unless a program wrote a file name there", async () => {
    const pages = [["# Heading", "", "Some text of the page."]];
    expect((await read("a.pdf", makePdf(pages, { title: "Declared" }))).title).toBe("Declared");
    const named = makePdf(pages, { title: "Microsoft Word - draft.doc" });
    expect((await read("a.pdf", named)).title).toBe("Heading");
  });
});

const paragraph = (text: string, style = "") =>
  `<w:p>${style && `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>`}<w:r><w:t>${text}</w:t></w:r></w:p>`;
const cell = (text: string, isBold = false) =>
  `<w:tc><w:p><w:r>${isBold ? "<w:rPr><w:b/></w:rPr>" : ""}<w:t>${text}</w:t></w:r></w:p></w:tc>`;

test("a Word file gives its headings, paragraphs, and tables that name their columns", async () => {
  const { title, passages } = await read(
    "a.docx",
    makeDocx(
      [
        paragraph("The mill", "Heading1"),
        paragraph("It stands on the Vesle."),
        paragraph("Output", "Heading2"),
        `<w:tbl><w:tr>${cell("Year", true)}${cell("Blankets", true)}</w:tr><w:tr>${cell("2022")}${cell("4,100")}</w:tr></w:tbl>`,
      ].join(""),
    ),
  );
  expect(title).toBe("The mill");
  expect(passages).toMatchObject([
    { heading: "", text: "It stands on the Vesle." },
    { heading: "Output", text: "Year: 2022; Blankets: 4,100" },
  ]);
});

test.each([
  ["commas", "a.csv", 'town,people_2023\n"Pell, Upper","14,520"\nOsteg,\n'],
  [
    "semicolons and a byte order mark",
    "a.csv",
    "\ufefftown;people_2023\nPell, Upper;14,520\nOsteg;\n",
  ],
  ["tabs", "a.tsv", "town\tpeople_2023\nPell, Upper\t14,520\nOsteg\t\n"],
])("rows of a table with %s name their columns", async (_, name, content) => {
  const { title, passages } = await read(name, content);
  expect(title).toBe("a");
  expect(passages).toMatchObject([
    { heading: "", text: "town: Pell, Upper; people 2023: 14,520\ntown: Osteg" },
  ]);
});

test("a table without names of columns is read as it is, and a long one is cut between rows", async () => {
  expect((await read("a.csv", "1,2\n3,4\n")).passages[0]?.text).toBe("1; 2\n3; 4");
  const rows = Array.from({ length: 5_000 }, (_, row) => `station ${row},${row * 3}`);
  const { passages } = await read("b.csv", `name,lamps\n${rows.join("\n")}\n`);
  expect(passages.length).toBeGreaterThan(100);
  const lines = passages.flatMap(({ text }) => text.split("\n"));
  expect(lines).toHaveLength(5_000);
  expect(lines[4_321]).toBe("name: station 4321; lamps: 12963");
  expect(passages[1]?.place).toEqual({
    unit: "line",
    number: lines.indexOf(passages[1]?.text.split("\n")[0] ?? "") + 2,
  });
});

test("a row knows its line, below empty lines and cells of several lines", async () => {
  const { passages } = await read(
    "a.csv",
    `a,b\r\n\r\n,\r\n"x\r\ny",1\r\nz,${"2".repeat(1_180)}\r\n`,
  );
  expect(passages).toMatchObject([
    { text: "a: x y; b: 1", place: { unit: "line", number: 4 } },
    { place: { unit: "line", number: 6 } },
  ]);
});

test("records of a JSON file are lines, under the names that lead to them", async () => {
  const { passages, ...fields } = await read(
    "a.json",
    JSON.stringify({
      title: "Ferries",
      url: "https://example.org/ferries",
      date: "2024-02-03",
      ships: [
        { name: "Morgenrode", seats: 180, isLarge: true, ports: ["Selvik", "Torsa"] },
        { name: "Kvikk", topSpeed: "34 knots", yard: { city: "Brandel" } },
      ],
      notes: "First line.\nSecond line.",
    }),
  );
  expect(fields).toMatchObject({
    title: "Ferries",
    url: "https://example.org/ferries",
    publishedOn: "2024-02-03",
  });
  expect(passages).toMatchObject([
    {
      heading: "",
      text: "title: Ferries; url: https://example.org/ferries; date: 2024-02-03\nFirst line.\nSecond line.",
    },
    {
      heading: "ships",
      text: "name: Morgenrode; seats: 180; is Large: true; ports: Selvik, Torsa",
    },
    { heading: "ships › Kvikk", text: "name: Kvikk; top Speed: 34 knots" },
    { heading: "ships › Kvikk › yard", text: "city: Brandel" },
  ]);
});

test("each line of a JSON Lines file is a record, in its place", async () => {
  const { passages } = await read("a.jsonl", '{"a":1}\n\n{"a":2}\n{"id":7,"text":"b\\nc"}\n');
  expect(passages).toEqual([
    { heading: "", text: "a: 1\na: 2", place: { unit: "line", number: 1 } },
    { heading: "7", text: "id: 7\nb\nc", place: { unit: "line", number: 4 } },
  ]);
});

test.each([
  ["its own name", { tld: ".ch", name: "Switzerland" }],
  ["the first form of its name", { tld: ".ch", name: { common: "Switzerland", official: "x" } }],
  ["the name of a part", { type: "Feature", properties: { area: 41285, name: "Switzerland" } }],
  ["its title", { id: "CHE", title: "Switzerland" }],
])("a JSON record that does not fit into a line stands under %s", async (_, fields) => {
  const record = { ...fields, borders: Array.from({ length: 500 }, (_item, index) => `B${index}`) };
  const { passages } = await read("a.json", JSON.stringify([record, record]));
  expect(passages.length).toBeGreaterThan(2);
  for (const { heading } of passages) expect(heading).toMatch(/^Switzerland/);
});

test.each([
  ["a PDF that is none", "a.pdf", "hello", "is no PDF, or a damaged one"],
  ["a cut PDF", "a.pdf", makePdf([["text"]]).subarray(0, 200), "is no PDF, or a damaged one"],
  [
    "a protected PDF",
    "a.pdf",
    makePdf([["text"]], { isEncrypted: true }),
    "is protected by a password",
  ],
  ["a PDF of pictures", "a.pdf", makePdf([[]]), /^has no text: it may be scanned/],
  ["a Word file that is none", "a.docx", "hello", "is no Word file, or a damaged one"],
  [
    "another zip archive",
    "a.docx",
    makeZip({ "a.txt": "text" }),
    "is no Word file, or a damaged one",
  ],
  [
    "a protected or old Word file",
    "a.docx",
    Buffer.from("d0cf11e0a1b11ae1", "hex"),
    /^is protected by a password or/,
  ],
  [
    "a zip bomb",
    "a.docx",
    makeZip({ "word/document.xml": "x" }, 900_000_000),
    /^has more than 50 MB when unpacked/,
  ],
  ["JSON that is none", "a.json", "{", /^cannot be parsed/],
  [
    "JSON deeper than anyone writes",
    "a.json",
    `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
    "is nested more than 32 levels deep",
  ],
  [
    "a large PDF",
    "a.pdf",
    Buffer.alloc(25 * 1024 * 1024 + 1, "a"),
    "is larger than 25 MB; split it into smaller files",
  ],
])("%s is refused with a reason", async (_, name, content, reason) => {
  const reading = read(name, content);
  await expect(reading).rejects.toBeInstanceOf(DocumentUnreadable);
  await expect(reading).rejects.toThrow(reason);
});
