import { join } from "node:path";
import { expect, test } from "vitest";
import { readDocument } from "../../../src/engine/sources/readers/read-document.ts";
import { createFolder } from "./document-fixtures.ts";
import { makeZip } from "./office-files.ts";

async function read(name: string, content: string | Buffer) {
  const { title, passages } = await readDocument(
    join(await createFolder({ [name]: content }), name),
  );
  return { title, passages: passages.map(({ heading, text }) => `${heading} | ${text}`) };
}

const HARBOUR = { title: "Selvik", passages: ["Harbour | The lighthouse is 41 metres high."] };

test.each([
  [
    "a.rst",
    ":tocdepth: 2\n\n======\nSelvik\n======\n\nHarbour\n=======\n\n.. note::\n\nThe :term:`lighthouse <x>` is 41 metres high.\n",
  ],
  ["a.adoc", "= Selvik\n:toc:\n\n[#harbour]\n== Harbour\n\nThe lighthouse is 41 metres high.\n"],
  ["a.org", "#+TITLE: Selvik\n#+OPTIONS: toc:nil\n* Harbour\nThe lighthouse is 41 metres high.\n"],
  [
    "a.tex",
    "\\documentclass{article}\n\\title{Selvik}\n\\begin{document}\n\\section{Harbour} % on the sea\nThe \\emph{lighthouse} is 41 metres high.\n\\end{document}\n",
  ],
  ["a.mdx", "# Selvik\n\n## Harbour\n\nThe lighthouse is 41 metres high.\n"],
  [
    "a.xhtml",
    '<?xml version="1.0"?><html><head><title>Selvik</title></head><body><h2>Harbour</h2><p>The lighthouse is 41 metres high.</p></body></html>',
  ],
  [
    "a.ipynb",
    JSON.stringify({
      cells: [
        { cell_type: "markdown", source: ["# Selvik\n", "\n", "## Harbour"] },
        {
          cell_type: "code",
          source: "The lighthouse is 41 metres high.",
          outputs: [{ text: "secret" }],
        },
      ],
    }),
  ],
])("%s gives its title, headings and text", async (name, content) => {
  expect(await read(name, content)).toEqual(HARBOUR);
});

test.each([
  [
    "a.srt",
    "1\n00:00:01,000 --> 00:00:04,000\nThe lighthouse is\n\n2\n00:00:04,500 --> 00:00:06,000\n<i>41 metres</i> high.\n",
  ],
  [
    "a.vtt",
    "WEBVTT\n\nNOTE a draft\n\n00:01.000 --> 00:04.000\nThe lighthouse is\n\n00:04.500 --> 00:06.000\n41 metres high.\n",
  ],
])("%s gives what is said", async (name, content) => {
  expect((await read(name, content)).passages).toEqual([" | The lighthouse is 41 metres high."]);
});

test.each(["a.log", "a.yaml", "a.yml", "a.toml"])("each line of %s stands alone", async (name) => {
  expect((await read(name, "height: 41\nopened: 1931\n")).passages).toEqual([
    " | height: 41\nopened: 1931",
  ]);
});

test("elements of XML are lines that name them", async () => {
  const xml =
    '<?xml version="1.0"?><town><name>Selvik</name><p>It is <b>old</b>.</p><height unit="m">41</height></town>';
  expect((await read("a.xml", xml)).passages).toEqual([" | name: Selvik\nIt is old.\nheight: 41"]);
});

const RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships";

function relations(...targets: string[]): string {
  const items = targets.map((target, at) => `<Relationship Id="r${at + 1}" Target="${target}"/>`);
  return `<Relationships xmlns="${RELATIONS}">${items.join("")}</Relationships>`;
}

test("a presentation gives its slides in order, with their titles", async () => {
  const slide = (title: string, text: string) =>
    `<p:sld><p:sp><p:nvPr><p:ph type="title"/></p:nvPr><a:p><a:r><a:t>${title}</a:t></a:r></a:p></p:sp><p:sp><a:p><a:r><a:t>${text}</a:t></a:r></a:p></p:sp></p:sld>`;
  const bytes = makeZip({
    "ppt/_rels/presentation.xml.rels": relations("slides/slide2.xml", "slides/slide1.xml"),
    "ppt/presentation.xml":
      '<p:presentation><p:sldIdLst><p:sldId id="256" r:id="r1"/><p:sldId id="257" r:id="r2"/></p:sldIdLst></p:presentation>',
    "ppt/slides/slide1.xml": slide("Museum", "It opened in 1931."),
    "ppt/slides/slide2.xml": slide("Harbour", "The lighthouse is 41 metres high."),
  });
  const path = join(await createFolder({ "a.pptx": bytes }), "a.pptx");
  expect((await readDocument(path)).passages).toEqual([
    {
      heading: "Harbour",
      text: "The lighthouse is 41 metres high.",
      place: { unit: "slide", number: 1 },
    },
    { heading: "Museum", text: "It opened in 1931.", place: { unit: "slide", number: 2 } },
  ]);
});

test("rows of a workbook name their columns, and dates are dates", async () => {
  const bytes = makeZip({
    "xl/_rels/workbook.xml.rels": relations("worksheets/sheet1.xml"),
    "xl/workbook.xml": '<workbook><sheets><sheet name="Lights" r:id="r1"/></sheets></workbook>',
    "xl/sharedStrings.xml":
      "<sst><si><t>name</t></si><si><t>opened</t></si><si><t>height</t></si><si><r><t>Sel</t></r><r><t>vik</t></r></si></sst>",
    "xl/styles.xml":
      '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    "xl/worksheets/sheet1.xml":
      '<worksheet><sheetData><row><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c></row><row><c r="A2" t="s"><v>3</v></c><c r="B2" s="1"><v>11324</v></c></row><row><c r="A3" t="inlineStr"><is><t>Old</t></is></c><c r="C3"><v>0.30000000000000004</v></c></row></sheetData></worksheet>',
  });
  expect((await read("a.xlsx", bytes)).passages).toEqual([
    "Lights | name: Selvik; opened: 1931-01-01\nname: Old; height: 0.3",
  ]);
});

test.each(["a.odt", "a.ods", "a.odp"])("%s gives its headings, text and rows", async (name) => {
  const row = (...cells: string[]) =>
    `<table:table-row>${cells.map((cell) => `<table:table-cell><text:p>${cell}</text:p></table:table-cell>`).join("")}<table:table-cell table:number-columns-repeated="16380"/></table:table-row>`;
  const content = `<office:document-content><office:body><text:h text:outline-level="1">Selvik</text:h><text:h text:outline-level="2">Harbour</text:h><text:p>The lighthouse is <text:span>41 metres</text:span> high.</text:p><table:table table:name="Lights">${row("name", "height")}${row("Selvik", "41")}</table:table></office:body></office:document-content>`;
  expect(await read(name, makeZip({ "content.xml": content }))).toEqual({
    title: "Selvik",
    passages: [...HARBOUR.passages, "Lights | name: Selvik; height: 41"],
  });
});

test("a book gives its chapters in the order of its spine", async () => {
  const page = (body: string) => `<html><body>${body}</body></html>`;
  const bytes = makeZip({
    "META-INF/container.xml":
      '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
    "OEBPS/book.opf":
      '<package><metadata><dc:title>Selvik</dc:title></metadata><manifest><item id="a" href="text/a%20b.xhtml"/><item id="b" href="b.xhtml"/></manifest><spine><itemref idref="b"/><itemref idref="a"/></spine></package>',
    "OEBPS/text/a b.xhtml": page("<h1>Museum</h1><p>It opened in 1931.</p>"),
    "OEBPS/b.xhtml": page("<h1>Harbour</h1><p>The lighthouse is 41 metres high.</p>"),
  });
  expect(await read("a.epub", bytes)).toEqual({
    title: "Selvik",
    passages: [...HARBOUR.passages, "Museum | It opened in 1931."],
  });
});

test.each([".pptx", ".xlsx", ".odt", ".epub"])(
  "a %s that is none is refused",
  async (extension) => {
    for (const bytes of [Buffer.from("no zip"), makeZip({ "a.xml": "<a/>" })]) {
      await expect(read(`a${extension}`, bytes)).rejects.toThrow(/^is no .*, or a damaged one$/);
    }
    const bomb = makeZip({ "content.xml": "<a/>" }, 60 * 1024 * 1024);
    await expect(read(`b${extension}`, bomb)).rejects.toThrow("has more than 50 MB when unpacked");
  },
);
