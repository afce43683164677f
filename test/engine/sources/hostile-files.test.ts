import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { listDocumentFiles } from "../../../src/engine/sources/folder/document-folder.ts";
import { createDocumentSync } from "../../../src/engine/sources/folder/sync-documents.ts";
import { FileGone } from "../../../src/engine/sources/readers/open-file.ts";
import { readDocument } from "../../../src/engine/sources/readers/read-document.ts";
import { createDatabase, createFolder, createLog } from "./document-fixtures.ts";

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
