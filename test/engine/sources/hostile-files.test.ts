import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { deflateSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { listDocumentFiles } from "../../../src/engine/sources/folder/document-folder.ts";
import { createDocumentSync } from "../../../src/engine/sources/folder/sync-documents.ts";
import { FileGone } from "../../../src/engine/sources/readers/open-file.ts";
import { readDocument } from "../../../src/engine/sources/readers/read-document.ts";
import { load } from "../../load.ts";
import { createDatabase, createFolder, createLog } from "./document-fixtures.ts";
import { makePackedPdf } from "./office-files.ts";

const isWindows = process.platform === "win32";

async function makePipe(path: string): Promise<void> {
  await rm(path, { force: true });
  await promisify(execFile)("mkfifo", [path]);
}

test.skipIf(isWindows)(
  "a file that became a pipe is gone: reading it does not wait for a writer",
  async () => {
    const folder = await createFolder({ "a.md": "alpha" });
    await makePipe(join(folder, "a.md"));
    await expect(readDocument(join(folder, "a.md"))).rejects.toBeInstanceOf(FileGone);
  },
);

test.skipIf(isWindows)("a .gitignore that is a pipe has no rules", async () => {
  const folder = await createFolder({ "a.md": "alpha" });
  await makePipe(join(folder, ".gitignore"));
  const { files } = await listDocumentFiles(folder);
  expect(files.map(({ path }) => path)).toEqual(["a.md"]);
});

test("files that vanish while the folder is read are gone, without a warning", async () => {
  const names = Array.from({ length: 100 }, (_, index) => `${index}.md`);
  const folder = await createFolder(Object.fromEntries(names.map((name) => [name, "text"])));
  const { db } = await createDatabase();
  const { log, messages } = createLog();
  const documents = createDocumentSync(db, folder, log);
  onTestFinished(() => documents.close());
  const syncing = documents.sync(Date.now());
  while (documents.progress === null) await new Promise(setImmediate);
  for (const name of names.slice(50)) await rm(join(folder, name), { force: true });
  await syncing;
  expect(await documents.sync(Date.now() + 1)).toMatchObject({ documents: 50, skipped: 0 });
  expect(messages).toEqual([]);
});

test.skipIf(process.platform !== "linux")(
  "a name that is not UTF-8 is reported as what it is",
  async () => {
    const folder = await createFolder({ "good.md": "alpha" });
    await writeFile(
      Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9]), Buffer.from(".md")]),
      "beta",
    );
    const { files, problems } = await listDocumentFiles(folder);
    expect(files.map(({ path }) => path)).toEqual(["good.md"]);
    expect(problems).toEqual([{ path: "caf\ufffd.md", reason: "has a name that is not UTF-8" }]);
  },
);

const MB = 1024 * 1024;

/** Packed twice, a stream of repeated text takes some kilobytes. */
function makeBomb(size: number, begin: string, repeated: string): Buffer {
  const stream = Buffer.concat([Buffer.from(begin), Buffer.alloc(size, repeated)]);
  const packed = deflateSync(deflateSync(stream, { level: 9 }), { level: 9 });
  return makePackedPdf(packed, ["FlateDecode", "FlateDecode"]);
}

/** The outcome of reading the file, with what it cost meanwhile. */
async function observe(name: string, content: Buffer) {
  const path = join(await createFolder({ [name]: content }), name);
  const rssBefore = process.memoryUsage.rss();
  const cost = { longestBlockMs: 0, grownBytes: 0 };
  let lastMs = performance.now();
  const timer = setInterval(() => {
    cost.longestBlockMs = Math.max(cost.longestBlockMs, performance.now() - lastMs);
    cost.grownBytes = Math.max(cost.grownBytes, process.memoryUsage.rss() - rssBefore);
    lastMs = performance.now();
  }, 5);
  try {
    const outcome = await readDocument(path).then(
      (document) => document.problems.join(),
      (error: unknown) => String(error),
    );
    return { outcome, ...cost };
  } finally {
    clearInterval(timer);
  }
}

const BLANKS = ["blanks", 1000, "", " "] as const;
const BOMBS = [
  BLANKS,
  ["text", 200, "BT /F1 11 Tf 72 720 Td ", "(boom text) Tj "],
  ["lines of text", 200, "BT /F1 11 Tf 14 TL 72 720 Td ", "(boom text) Tj T* "],
] as const;

test.each(load<readonly (typeof BOMBS)[number][]>({ full: BOMBS, short: [BLANKS] }))(
  "a small PDF that unpacks to hundreds of megabytes of %s ends as a problem",
  async (_, size, ...content) => {
    const bomb = makeBomb(size * MB, ...content);
    expect(bomb.length).toBeLessThan(10_000);
    const { outcome, longestBlockMs, grownBytes } = await observe("a.pdf", bomb);
    expect(outcome).toMatch(/needs too much memory|takes too long|only its first 5 MB/);
    expect(grownBytes).toBeLessThan(1000 * MB);
    // The file takes ten seconds and more; a busy machine holds up any program for a moment.
    expect(longestBlockMs).toBeLessThan(2_000);
  },
);

test("a file that took too much is not read again after a restart, and is still warned of", async () => {
  const bomb = makeBomb(1000 * MB, "", " ");
  const folder = await createFolder({ "bomb.pdf": bomb, "a.md": "alpha" });
  const { db } = await createDatabase();
  const syncAnew = async () => {
    const { log, messages } = createLog();
    const documents = createDocumentSync(db, folder, log);
    const beganMs = performance.now();
    const counts = await documents.sync(Date.now());
    const { skipped } = documents.unread;
    await documents.close();
    return { counts, skipped, messages, tookMs: performance.now() - beganMs };
  };
  const first = await syncAnew();
  expect(first.counts).toMatchObject({ documents: 1, skipped: 1 });
  const again = await syncAnew();
  expect(again).toMatchObject({ skipped: first.skipped, messages: first.messages });
  expect(again.tookMs).toBeLessThan(first.tookMs / 4);

  await writeFile(join(folder, "bomb.pdf"), "another");
  expect((await syncAnew()).skipped).toMatchObject([{ reason: "is no PDF, or a damaged one" }]);
  await rm(join(folder, "bomb.pdf"));
  expect((await syncAnew()).skipped).toEqual([]);
  expect(await db.selectFrom("costly_files").select("path").execute()).toEqual([]);
});
