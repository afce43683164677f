import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDocumentIndex } from "../../../src/engine/sources/folder/search-documents.ts";
import { createDocumentSync } from "../../../src/engine/sources/folder/sync-documents.ts";
import { readDocument } from "../../../src/engine/sources/readers/read-document.ts";
import { createDatabase, createFolder, createLog, writeFiles } from "./document-fixtures.ts";

/** More than is read as a whole. */
const RECORDS = Array.from({ length: 20_000 }, (_, id) => ({
  id,
  name: `Station ${id}`,
  note: `Überholt, "gut" {[${id}]} \\ am ${(id % 28) + 1}. Mai`,
}));

const LINES = RECORDS.map(({ id, name, note }) => `id: ${id}; name: ${name}; note: ${note}`);

async function read(name: string, content: string | Buffer) {
  const document = await readDocument(join(await createFolder({ [name]: content }), name));
  return { document, lines: document.passages.flatMap(({ text }) => text.split("\n")) };
}

const toCsv = (rows: readonly (typeof RECORDS)[number][]) =>
  `id,name,note\r\n${rows
    .map(({ id, name, note }) => `${id},${name},"${note.replaceAll('"', '""')}"\r\n`)
    .join("")}`;

test.each([
  ["a table", "a.csv", toCsv(RECORDS)],
  ["a table that is not UTF-8", "a.csv", Buffer.from(toCsv(RECORDS), "latin1")],
  ["a list of records", "a.json", JSON.stringify(RECORDS, null, 1)],
  ["lines of records", "a.jsonl", RECORDS.map((row) => JSON.stringify(row)).join("\n")],
])(
  "%s of any length is read piece by piece, with each of its records",
  async (_, name, content) => {
    const { document, lines } = await read(name, content);
    expect(lines).toEqual(LINES);
    expect(document.title).toBe("a");
    const place = document.passages.at(-1)?.place;
    const firstId = Number(document.passages.at(-1)?.text.match(/^id: (\d+)/)?.[1]);
    if (name === "a.csv") expect(place).toEqual({ unit: "line", number: firstId + 2 });
    if (name === "a.jsonl") expect(place).toEqual({ unit: "line", number: firstId + 1 });
  },
);

test("the members of a large JSON object keep their names, and its title, address and date are read", async () => {
  const { document, lines } = await read(
    "a.json",
    JSON.stringify({
      title: "Stations",
      url: "https://example.org/stations",
      date: "2024-02-03",
      "open stations": RECORDS,
      Pell: { people: 14_520, mayor: { name: "Ada" } },
      count: RECORDS.length,
    }),
  );
  expect(document).toMatchObject({
    title: "Stations",
    url: "https://example.org/stations",
    publishedOn: "2024-02-03",
  });
  expect(lines.filter((line) => line.startsWith("id: "))).toEqual(LINES);
  const headings = new Set(document.passages.map(({ heading }) => heading));
  expect([...headings]).toEqual(["", "open stations", "Pell", "Pell › mayor"]);
  expect(lines.at(-1)).toBe("count: 20000");
});

test.each([
  ["cut", JSON.stringify(RECORDS).slice(0, -1), /^cannot be parsed/],
  ["damaged", JSON.stringify(RECORDS).replace('"id":19999', '"id":'), /^cannot be parsed/],
  ["nested too deep", `[${"[".repeat(2_000_000)}`, "is nested more than 32 levels deep"],
])("large JSON that is %s is refused with a reason", async (_, content, reason) => {
  await expect(read("a.json", content)).rejects.toThrow(reason);
});

test("a table of more than 200 MB is refused", async () => {
  const path = join(await createFolder({ "a.csv": "" }), "a.csv");
  await truncate(path, 200 * 1024 * 1024 + 1);
  await expect(readDocument(path)).rejects.toThrow("is larger than 200 MB; split it");
});

test("a damaged character in a large table is told", async () => {
  const damaged = Buffer.from(toCsv(RECORDS));
  damaged[damaged.length - 5] = 0xff;
  const { document } = await read("a.csv", damaged);
  expect(document.problems).toEqual(["its text has 1 damaged characters, left as \ufffd"]);
});

async function setUp(files: Record<string, string>) {
  const folder = await createFolder(files);
  const { db } = await createDatabase();
  const open = () => {
    const documents = createDocumentSync(db, folder, createLog().log);
    onTestFinished(() => documents.close());
    return documents;
  };
  const find = async (text: string) => {
    const search = await openDocumentIndex(db, [folder]).passages(null);
    return (await search.search({ text }, 3)).passages.map((passage) => passage.text);
  };
  const countPassages = async () =>
    db
      .selectFrom("passages")
      .select((query) => query.fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
  return { folder, db, open, find, countPassages };
}

test("a large table is found, is replaced by what it becomes, and leaves the index", async () => {
  const { folder, open, find, countPassages } = await setUp({ "a.csv": toCsv(RECORDS) });
  const documents = open();
  expect(await documents.sync(Date.now())).toMatchObject({ documents: 1, indexed: 1 });
  expect((await find("Station 12345"))[0]).toContain("name: Station 12345;");

  const shorter = toCsv(RECORDS.slice(0, 8_000));
  await writeFiles(folder, { "a.csv": shorter });
  expect(await documents.sync(Infinity)).toMatchObject({ documents: 1, indexed: 1 });
  expect((await find("Station 12345")).join("\n")).not.toContain("name: Station 12345;");
  const { document } = await read("a.csv", shorter);
  expect(await countPassages()).toEqual({ count: document.passages.length });

  await writeFiles(folder, { "a.csv": "" });
  expect(await documents.sync(Infinity)).toMatchObject({ documents: 1, indexed: 1 });
  expect(await countPassages()).toEqual({ count: 0 });
});

test("a large table that two engines index at once is stored once", async () => {
  const { open, find, countPassages } = await setUp({ "a.csv": toCsv(RECORDS) });
  const [first, second] = [open(), open()];
  const counts = await Promise.all([first.sync(Date.now()), second.sync(Date.now())]);
  expect(counts.map(({ documents }) => documents)).toEqual([1, 1]);
  expect(counts[0].indexed + counts[1].indexed).toBe(1);
  expect((await find("Station 12345"))[0]).toContain("name: Station 12345;");
  const { document } = await read("a.csv", toCsv(RECORDS));
  expect(await countPassages()).toEqual({ count: document.passages.length });
});

test("a large table whose indexing was ended in the middle is indexed by the next engine", async () => {
  const { db, open, find, countPassages } = await setUp({ "a.csv": toCsv(RECORDS) });
  const first = open();
  const ended = first.sync(Date.now());
  while ((await countPassages()).count === 0) await new Promise(setImmediate);
  await first.close();
  await ended;
  const [row] = await db.selectFrom("documents").select("passage_count").execute();
  expect(row).toEqual({ passage_count: 0 });

  expect(await open().sync(Date.now())).toMatchObject({ documents: 1, indexed: 1 });
  expect((await find("Station 12345"))[0]).toContain("name: Station 12345;");
});
