import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listDocumentFiles } from "../../../src/engine/sources/folder/document-folder.ts";
import { createFolder } from "./document-fixtures.ts";

async function list(files: Record<string, string>): Promise<string[]> {
  const { files: found } = await listDocumentFiles(await createFolder(files));
  return found.map(({ path }) => path);
}

test("what a .gitignore names is left out, below the folder that it lies in", async () => {
  expect(
    await list({
      ".gitignore": "drafts/\n*.tmp.md\n/root-only.md\n",
      "a.md": "",
      "b.tmp.md": "",
      "root-only.md": "",
      "drafts/c.md": "",
      "sub/root-only.md": "",
      "sub/drafts/d.md": "",
      "sub/.gitignore": "# a comment\nprivate.md\n",
      "sub/private.md": "",
      "other/private.md": "",
    }),
  ).toEqual(["a.md", "other/private.md", "sub/root-only.md"]);
});

test("a deeper .gitignore may take back what one above it says, but not bring a folder back", async () => {
  expect(
    await list({
      ".gitignore": "*.csv\nclosed/\n",
      "a.csv": "",
      "sub/.gitignore": "!keep.csv\n",
      "sub/keep.csv": "",
      "sub/other.csv": "",
      "closed/.gitignore": "!*\n",
      "closed/b.md": "",
    }),
  ).toEqual(["sub/keep.csv"]);
});

test("a link to what a .gitignore names is left out by its own name", async () => {
  const folder = await createFolder({ ".gitignore": "alias*\n", ".store/a.md": "text" });
  await symlink(join(folder, ".store/a.md"), join(folder, "alias.md"));
  await symlink(join(folder, ".store"), join(folder, "alias"));
  await symlink(join(folder, ".store/a.md"), join(folder, "shown.md"));
  const { files, problems } = await listDocumentFiles(folder);
  expect(files.map(({ path }) => path)).toEqual(["shown.md"]);
  expect(problems).toEqual([]);
});

test("every folder is announced before it is read, and so is that of a linked file", async () => {
  const folder = await createFolder({ "a.md": "", "sub/b.md": "", ".store/c.md": "text" });
  await symlink(join(folder, ".store/c.md"), join(folder, "c.md"));
  const entered: string[] = [];
  await listDocumentFiles(folder, (path) => entered.push(path));
  expect(entered).toEqual([folder, join(folder, "sub"), join(folder, ".store")]);
});
