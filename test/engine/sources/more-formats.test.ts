import { join } from "node:path";
import { expect, test } from "vitest";
import { readDocument } from "../../../src/engine/sources/readers/read-document.ts";
import { createFolder } from "./document-fixtures.ts";

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
