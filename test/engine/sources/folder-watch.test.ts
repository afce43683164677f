import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  type FolderWatch,
  receiveChanges,
  watchFolder,
} from "../../../src/engine/sources/folder/folder-watch.ts";
import { createFolder } from "./document-fixtures.ts";

async function setUp(
  files: Record<string, string>,
): Promise<{ folder: string; watch: FolderWatch }> {
  const folder = await createFolder(files);
  const watch = watchFolder(folder);
  onTestFinished(() => watch.close());
  watch.enter(folder);
  return { folder, watch };
}

/** Only Linux promises to tell of a change before anyone can ask for it. */
const onLinux = test.skipIf(process.platform !== "linux");

onLinux("a change is known as soon as the call that made it has returned", async () => {
  const { folder, watch } = await setUp({ "a.md": "one" });
  const counts = [];
  for (const change of [
    () => writeFile(join(folder, "a.md"), "two"),
    () => writeFile(join(folder, "b.md"), "new"),
    () => rename(join(folder, "b.md"), join(folder, "c.md")),
    () => rm(join(folder, "c.md")),
    () => mkdir(join(folder, "sub.d")),
    () => writeFile(join(folder, ".gitignore"), "a.md"),
  ]) {
    await change();
    await receiveChanges();
    counts.push(watch.changes);
  }
  expect(counts).toEqual([...new Set(counts)]);
  expect(counts[0]).toBeGreaterThan(0);
  expect(watch.isComplete).toBe(true);
});

onLinux("what is no document does not count: other programs keep their state there", async () => {
  const { folder, watch } = await setUp({ ".state.db": "", "server.lock": "" });
  await writeFile(join(folder, ".state.db"), "written");
  await writeFile(join(folder, "server.lock"), "written");
  await receiveChanges();
  expect(watch.changes).toBe(0);
});

onLinux("a folder that is not kept is not watched any more", async () => {
  const { folder, watch } = await setUp({ "sub/a.md": "one" });
  watch.enter(join(folder, "sub"));
  watch.keepOnly(new Set([folder]));
  await writeFile(join(folder, "sub/a.md"), "two");
  await receiveChanges();
  expect(watch.changes).toBe(0);
});

test("a folder that cannot be watched makes the watch incomplete, for good", async () => {
  const { folder, watch } = await setUp({});
  watch.enter(join(folder, "missing"));
  watch.enter(folder);
  expect(watch.isComplete).toBe(process.platform !== "linux");
});
