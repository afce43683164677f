import { join } from "node:path";
import { expect, test } from "vitest";
import { readDocument } from "../../../src/engine/sources/readers/read-document.ts";
import { createFolder } from "./document-fixtures.ts";

async function read(name: string, content: Buffer) {
  const { passages, problems } = await readDocument(
    join(await createFolder({ [name]: content }), name),
  );
  return { text: passages.map((passage) => passage.text).join("\n"), problems };
}

const GERMAN =
  "Der Leuchtturm ist für Besucher täglich geöffnet. Er steht südlich der Brücke und ist höher als üblich.";
const SHIFT_JIS = Buffer.from(
  "907d8f918ad982cd90e78be395538e4f8f5c88ea944e82c98a4a8ad982b582dc82b582bd8142",
  "hex",
);

test("text in an encoding of old is read, and what was assumed is told", async () => {
  expect(await read("a.txt", Buffer.from(GERMAN, "latin1"))).toEqual({
    text: GERMAN,
    problems: ["its text is not UTF-8 and was read as windows-1252"],
  });
  expect(await read("short.txt", Buffer.from("Gr\xfc\xdfe.", "latin1"))).toMatchObject({
    text: "Grüße.",
  });
  expect(await read("euro.csv", Buffer.from("Preis\n12 \x80 für Gäste\n", "latin1"))).toMatchObject(
    {
      text: "Preis: 12 € für Gäste",
    },
  );
  const { text, problems } = await read("ja.md", SHIFT_JIS);
  expect(problems).toEqual(["its text is not UTF-8 and was read as shift_jis"]);
  expect(text).toBe("図書館は千九百三十一年に開館しました。");
});

test("UTF-16 without a byte order mark is known by its zero bytes", async () => {
  const text = "The lighthouse is 41 metres high.";
  const little = Buffer.from(text, "utf16le");
  expect(await read("a.txt", little)).toEqual({ text, problems: [] });
  expect(await read("b.txt", Buffer.from(little).swap16())).toEqual({ text, problems: [] });
});

test("one damaged byte does not cost a file of UTF-8", async () => {
  const bytes = Buffer.concat([Buffer.from(GERMAN), Buffer.from([0xff]), Buffer.from("Ende.")]);
  const { text, problems } = await read("a.txt", bytes);
  expect(text).toBe(`${GERMAN}\ufffdEnde.`);
  expect(problems).toEqual(["its text has 1 damaged characters, left as \ufffd"]);
});

test("a declared encoding counts wherever it stands, unless the text is UTF-8", async () => {
  const page = (charset: string) =>
    `<!-- ${"x".repeat(2_000)} --><meta charset="${charset}"><p>Grüße aus Łódź.</p>`;
  const latin2 = Buffer.from(page("iso-8859-2").replace("Łódź", "\xa3\xf3d\xbc"), "latin1");
  expect(await read("a.html", latin2)).toEqual({ text: "Grüße aus Łódź.", problems: [] });
  expect(await read("b.html", Buffer.from(page("iso-8859-1")))).toEqual({
    text: "Grüße aus Łódź.",
    problems: [],
  });
});

test("lines that end in a carriage return are lines", async () => {
  expect(await read("a.csv", Buffer.from("name,height\rSelvik,41\r"))).toMatchObject({
    text: "name: Selvik; height: 41",
  });
});
