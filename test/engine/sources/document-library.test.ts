import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDocumentLibrary } from "../../../src/engine/sources/folder/document-library.ts";
import { BEING_STORED } from "../../../src/engine/sources/folder/store-documents.ts";
import { createDatabase, createFolder, createLog, writeFiles } from "./document-fixtures.ts";
import { makePdf } from "./office-files.ts";

async function open(folders: string[]) {
  const { db } = await createDatabase();
  const library = await openDocumentLibrary(db, folders, createLog().log);
  onTestFinished(() => library.close());
  return { library, db };
}

test("several folders are searched as one", async () => {
  const one = await createFolder({ "a.md": "common alpha" });
  const two = await createFolder({ "a.md": "common beta", "b.txt": Buffer.from([0]) });
  const { library } = await open([one, two]);
  expect(await library.sync(Date.now())).toEqual({
    documents: 2,
    indexed: 2,
    removed: 0,
    skipped: 1,
  });
  const search = await library.passages(null);
  const { passages } = await search.search({ text: "common" }, 10);
  expect(passages.map(({ text }) => text).toSorted()).toEqual(["common alpha", "common beta"]);
  expect(library.unread.skipped).toEqual([{ path: "b.txt", reason: "is a binary file" }]);
});

test("documents of another folder in the same database are not found, also when they come while a run searches", async () => {
  const { library, db } = await open([await createFolder({ "a.md": "common alpha" })]);
  await library.sync(Date.now());
  const search = await library.passages(null);
  const others = await createFolder({ "b.md": "common beta" });
  const other = await openDocumentLibrary(db, [others], createLog().log);
  onTestFinished(() => other.close());
  await other.sync(Date.now());
  const { passages } = await search.search({ text: "common" }, 10);
  expect(passages.map(({ text }) => text)).toEqual(["common alpha"]);
});

test("a document is not found before all of it is stored", async () => {
  const { library, db } = await open([await createFolder({ "a.md": "common alpha" })]);
  await library.sync(Date.now());
  const search = await library.passages(null);
  await db.updateTable("documents").set({ size_bytes: BEING_STORED }).execute();
  expect((await search.search({ text: "common" }, 10)).passages).toEqual([]);
});

test("a folder that is named twice, or lies in another, is searched once", async () => {
  const folder = await createFolder({ "a.md": "alpha", "sub/b.md": "beta" });
  const alias = join(await createFolder(), "alias");
  await symlink(folder, alias);
  const { library } = await open([join(folder, "sub"), folder, alias]);
  expect(library.folders).toEqual([folder]);
  expect(await library.sync(Date.now())).toMatchObject({ documents: 2 });
});

test("the next search sees what is new, changed and gone", async () => {
  const folder = await createFolder({ "a.md": "alpha" });
  const { library } = await open([folder]);
  const find = async (word: string) => {
    await library.sync(Date.now());
    return (await (await library.passages(null)).search({ text: word }, 10)).passages.length;
  };
  expect(await find("alpha")).toBe(1);
  await writeFiles(folder, { "a.md": "beta", "deep/er/c.pdf": makePdf([["gamma in a PDF"]]) });
  expect([await find("alpha"), await find("beta"), await find("gamma")]).toEqual([0, 1, 1]);
  await writeFiles(folder, { "deep/er/d.csv": "name\ndelta\n", ".gitignore": "a.md\n" });
  expect([await find("beta"), await find("delta")]).toEqual([0, 1]);
});

test("a library that is closed while it reads leaves the database alone", async () => {
  const files = Array.from({ length: 200 }, (_, index) => [`${index}.md`, `text ${index}`]);
  const { library, db } = await open([await createFolder(Object.fromEntries(files))]);
  const syncing = library.sync(Date.now());
  while (library.progress === null) await new Promise(setImmediate);
  await library.close();
  await db.destroy();
  await syncing;
});

test("what was not read is known, after a restart too", async () => {
  const folder = await createFolder({
    "a.md": "alpha",
    "b.txt": Buffer.from("caf\xe9 au lait", "latin1"),
    "c.pdf": "no PDF",
    "d.png": "",
    "e/F.PNG": "",
    "e/g.doc": "",
    LICENSE: "",
    ".hidden.doc": "",
  });
  const { library, db } = await open([folder]);
  const unread = {
    skipped: [{ path: "c.pdf", reason: "is no PDF, or a damaged one" }],
    partly: [{ path: "b.txt", reason: "its text is not UTF-8 and was read as windows-1252" }],
    otherKinds: new Map([
      [".png", 2],
      [".doc", 1],
      ["without an extension", 1],
    ]),
  };
  await library.sync(Date.now());
  expect(library.unread).toEqual(unread);
  await library.close();

  const restarted = await openDocumentLibrary(db, [folder], createLog().log);
  onTestFinished(() => restarted.close());
  expect(await restarted.sync(Date.now())).toMatchObject({ indexed: 0 });
  expect(restarted.unread).toEqual(unread);
});
