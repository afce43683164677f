import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, rm, symlink, utimes } from "node:fs/promises";
import { promisify } from "node:util";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import type { Database } from "../../../src/database/open-database.ts";
import { DocumentFolderUnusable } from "../../../src/engine/sources/folder/document-folder.ts";
import type { SourcePolicy } from "../../../src/task-api/run-input.ts";
import { openDocumentIndex } from "../../../src/engine/sources/folder/search-documents.ts";
import { createDocumentSync } from "../../../src/engine/sources/folder/sync-documents.ts";
import { createDatabase, createFolder, createLog, writeFiles } from "./document-fixtures.ts";

async function setUp(files: Record<string, string | Buffer>) {
  const folder = await createFolder(files);
  const { db, path } = await createDatabase();
  const { log, messages } = createLog();
  const documents = createDocumentSync(db, folder, log);
  onTestFinished(() => documents.close());
  const syncSince = documents.sync;
  /** A pass that no earlier one can stand for. */
  const sync = () => syncSince(Number.POSITIVE_INFINITY);
  return { folder, db, databasePath: path, messages, documents, sync, syncSince };
}

async function indexedPaths(db: Database): Promise<string[]> {
  const rows = await db.selectFrom("documents").select("path").orderBy("path").execute();
  return rows.map((row) => row.path);
}

async function findText(db: Database, folder: string, word: string): Promise<string[]> {
  const search = await openDocumentIndex(db, [folder]).passages(null);
  return (await search.search({ text: word }, 100)).passages.map((passage) => passage.text);
}

test("indexes documents of nested folders, and leaves hidden files, node_modules and other formats out", async () => {
  const { db, sync } = await setUp({
    "a.md": "one",
    "deep/er/b.txt": "two",
    "c.HTML": "<p>three",
    ".hidden.md": "no",
    ".git/d.md": "no",
    "node_modules/e.md": "no",
    "f.xyz": "no",
  });
  expect(await sync()).toEqual({ documents: 3, indexed: 3, removed: 0, skipped: 0 });
  expect(await indexedPaths(db)).toEqual(["a.md", "c.HTML", "deep/er/b.txt"]);
});

test("reads only what is new or has changed, and forgets what is gone", async () => {
  const { folder, db, sync } = await setUp({ "a.md": "alpha", "b.md": "beta", "c.md": "gamma" });
  await sync();
  expect(await sync()).toEqual({ documents: 3, indexed: 0, removed: 0, skipped: 0 });

  await writeFiles(folder, { "a.md": "delta instead", "d.md": "epsilon" });
  await rm(join(folder, "b.md"));
  expect(await sync()).toEqual({ documents: 3, indexed: 2, removed: 1, skipped: 0 });
  expect(await indexedPaths(db)).toEqual(["a.md", "c.md", "d.md"]);
  expect(await findText(db, folder, "alpha")).toEqual([]);
  expect(await findText(db, folder, "beta")).toEqual([]);
  expect(await findText(db, folder, "delta")).toEqual(["delta instead"]);
  expect(await findText(db, folder, "gamma")).toEqual(["gamma"]);
});

test("a change that keeps the size is seen by its time", async () => {
  const { folder, db, sync } = await setUp({ "a.md": "alpha" });
  await sync();
  await writeFiles(folder, { "a.md": "omega" });
  await utimes(join(folder, "a.md"), new Date(0), new Date(1_000));
  expect(await sync()).toMatchObject({ indexed: 1 });
  expect(await findText(db, folder, "omega")).toEqual(["omega"]);
});

test("folders that share a database do not see each other's documents", async () => {
  const { db, sync, folder } = await setUp({ "a.md": "shared word" });
  const other = await createFolder({ "b.md": "shared word elsewhere" });
  await sync();
  await createDocumentSync(db, other, createLog().log).sync(Date.now());
  expect(await findText(db, folder, "shared")).toEqual(["shared word"]);
  expect(await findText(db, other, "shared")).toEqual(["shared word elsewhere"]);
});

test("weird files are skipped with a warning that names them, once, and the others are indexed", async () => {
  const { db, sync, messages } = await setUp({
    "good.md": "fine",
    "binary.txt": Buffer.from([1, 0, 2, 0, 255]),
    "latin1.md": Buffer.from("caf\xe9", "latin1"),
    "huge.txt": Buffer.alloc(5 * 1024 * 1024 + 1, "a"),
    "broken.md": "---\ntitle: [\n---\nstill read",
    "empty.md": "",
  });
  expect(await sync()).toEqual({ documents: 4, indexed: 4, removed: 0, skipped: 2 });
  expect(await sync()).toEqual({ documents: 4, indexed: 0, removed: 0, skipped: 2 });
  expect(await indexedPaths(db)).toEqual(["broken.md", "empty.md", "good.md", "latin1.md"]);
  expect(messages.toSorted()).toEqual([
    "Document binary.txt is not searched: it is a binary file",
    expect.stringMatching(/^Document broken\.md: its front matter is not valid YAML/),
    "Document huge.txt is not searched: it is larger than 5 MB; split it into smaller files",
    "Document latin1.md: its text is not UTF-8 and was read as windows-1252",
  ]);
});

test("a document that becomes unreadable leaves the index", async () => {
  const { folder, db, sync } = await setUp({ "a.md": "alpha" });
  await sync();
  await writeFiles(folder, { "a.md": Buffer.from([0, 1, 2]) });
  expect(await sync()).toEqual({ documents: 0, indexed: 0, removed: 1, skipped: 1 });
  expect(await findText(db, folder, "alpha")).toEqual([]);
});

test.skipIf(process.getuid?.() === 0)("a file without read permission is skipped", async () => {
  const { folder, sync, messages } = await setUp({ "a.md": "alpha" });
  await chmod(join(folder, "a.md"), 0);
  expect(await sync()).toMatchObject({ documents: 0, skipped: 1 });
  expect(messages).toEqual([expect.stringContaining("a.md is not searched: it cannot be read")]);
});

test("links are followed once and inside the folder: loops, second names and broken ones do no harm", async () => {
  const outside = await createFolder({ "linked.md": "outside" });
  const { folder, db, sync, messages } = await setUp({ "sub/a.md": "inside" });
  await symlink(folder, join(folder, "sub/loop"));
  await symlink(join(folder, "sub"), join(folder, "again"));
  await symlink(join(folder, "sub/a.md"), join(folder, "alias.md"));
  await symlink(outside, join(folder, "outside"));
  await symlink(join(folder, "nowhere.md"), join(folder, "broken.md"));
  expect(await sync()).toMatchObject({ documents: 1, skipped: 2 });
  expect(await indexedPaths(db)).toEqual(["sub/a.md"]);
  expect(messages).toEqual([
    "Document broken.md is not searched: it is a link that does not exist",
    "Document outside is not searched: it is a link that leads out of the document folder",
  ]);
});

test("a link to a pipe is not read", async () => {
  const { folder, sync } = await setUp({ "a.md": "alpha" });
  await promisify(execFile)("mkfifo", [join(folder, ".pipe")]);
  await symlink(join(folder, ".pipe"), join(folder, "endless.md"));
  expect(await sync()).toMatchObject({ documents: 1 });
});

test("a pass serves the callers that asked before it began, and none that asks later", async () => {
  const { folder, syncSince } = await setUp({ "a.md": "alpha" });
  const asked = Date.now();
  expect(await syncSince(asked)).toMatchObject({ documents: 1, indexed: 1 });
  await writeFiles(folder, { "b.md": "beta" });
  expect(await syncSince(asked)).toMatchObject({ documents: 1, indexed: 0 });
  expect(await syncSince(Date.now() + 1)).toMatchObject({ documents: 2, indexed: 1 });
});

test("callers at the same time share one pass", async () => {
  const { sync } = await setUp({ "a.md": "alpha", "b.md": "beta" });
  const [first, second] = await Promise.all([sync(), sync()]);
  expect(first).toEqual({ documents: 2, indexed: 2, removed: 0, skipped: 0 });
  expect(second).toEqual({ ...first, indexed: 0 });
});

test("a vanished folder is an error, and its index stays", async () => {
  const { folder, db, sync } = await setUp({ "a.md": "alpha" });
  await sync();
  await rm(folder, { recursive: true });
  await expect(sync()).rejects.toBeInstanceOf(DocumentFolderUnusable);
  expect(await indexedPaths(db)).toEqual(["a.md"]);
});

test("two processes that index one folder into one database at once neither fail nor repeat", async () => {
  const files = Array.from({ length: 150 }, (_, index) => [
    `doc-${index}.md`,
    `# Document ${index}\n\nThe common word and number ${index}.\n`,
  ]);
  const { folder, db, databasePath, sync } = await setUp(Object.fromEntries(files));
  const script = fileURLToPath(new URL("sync-process.ts", import.meta.url));
  const processes = [0, 1].map(() => {
    const child = spawn(process.execPath, ["--import", "tsx", script, databasePath, folder], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
  });
  for (const { lines } of processes) expect(await lines.next()).toMatchObject({ value: "ready" });
  const exits = processes.map(({ child }) => once(child, "exit"));
  for (const { child } of processes) child.stdin.write("go\n");
  for (const exit of exits) expect(await exit).toEqual([0, null]);

  expect(await indexedPaths(db)).toHaveLength(150);
  expect(await findText(db, folder, "common")).toHaveLength(100);
  const search = await openDocumentIndex(db, [folder]).passages(null);
  expect((await search.search({ text: "common" }, 1)).terms).toMatchObject([{ passages: 150 }]);
  expect(await sync()).toEqual({ documents: 150, indexed: 0, removed: 0, skipped: 0 });
});

test("an open index finds what changed meanwhile", async () => {
  const { folder, db, sync } = await setUp({ "a.md": "alpha one", "b.md": "beta" });
  await sync();
  const index = openDocumentIndex(db, [folder]);
  const find = async (policy: SourcePolicy | null) => {
    const search = await index.passages(policy);
    const { terms, passages } = await search.search({ text: "alpha" }, 10);
    return [terms[0]?.passages, ...passages.map(({ text }) => text).toSorted()];
  };
  expect(await find(null)).toEqual([1, "alpha one"]);
  await writeFiles(folder, { "a.md": "alpha two, rewritten", "c.md": "alpha three" });
  await sync();
  expect(await find(null)).toEqual([2, "alpha three", "alpha two, rewritten"]);
  expect(await find({ include_domains: ["c.md"] })).toEqual([1, "alpha three"]);
  expect(await find({ exclude_domains: ["c.md"] })).toEqual([2, "alpha two, rewritten"]);
});

test("nothing a user types is query syntax", async () => {
  const { folder, db, sync } = await setUp({ "a.md": "alpha beta" });
  await sync();
  const search = await openDocumentIndex(db, [folder]).passages(null);
  for (const attack of [
    '"',
    "*",
    "NEAR(",
    "-alpha",
    "title:alpha",
    "a AND",
    "^",
    "(",
    "\0",
    "'; DROP TABLE passages;--",
    "alp*",
  ]) {
    await expect(search.search({ text: `${attack} al"pha` }, 5)).resolves.toBeDefined();
  }
  expect((await search.search({ text: "OR alpha" }, 5)).passages).toHaveLength(1);
});

test("words match in their other forms, without diacritics, and inside scripts without spaces", async () => {
  const { folder, db, sync } = await setUp({
    "a.md": "The founding of Málaga.",
    "b.md": "2023年法国的国内生产总值约为3.05万亿美元。",
  });
  await sync();
  expect(await findText(db, folder, "founded")).toEqual(["The founding of Málaga."]);
  expect(await findText(db, folder, "malaga")).toEqual(["The founding of Málaga."]);
  expect(await findText(db, folder, "法国")).toEqual([
    "2023年法国的国内生产总值约为3.05万亿美元。",
  ]);
  expect(await findText(db, folder, "德国")).toEqual([]);
});

test("the source policy decides what is searched", async () => {
  const { folder, db, sync } = await setUp({
    "a.md": "---\nurl: https://www.example.gov/a\ndate: 2024-06-01\n---\nalpha one",
    "b.md": "---\nurl: https://example.com/b\ndate: 2020-06-01\n---\nalpha two",
    "c.md": "alpha three",
  });
  await sync();
  const search = await openDocumentIndex(db, [folder]).passages({ include_domains: [".gov"] });
  expect(search).toMatchObject({ documentCount: 1, passageCount: 1 });
  const { passages, documentIds } = await search.search({ text: "alpha" }, 10);
  expect(passages.map((passage) => passage.text)).toEqual(["alpha one"]);
  expect(documentIds).toHaveLength(1);
});
