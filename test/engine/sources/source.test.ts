import { expect, onTestFinished, test } from "vitest";
import { openDocumentLibrary } from "../../../src/engine/sources/folder/document-library.ts";
import { PageNotFound, type Source } from "../../../src/engine/sources/source.ts";
import { createDatabase, createFolder, createLog } from "./document-fixtures.ts";

const { signal } = new AbortController();
const all = { limit: 10, policy: null, signal };

async function openFolder(files: Record<string, string>): Promise<Source> {
  const { db } = await createDatabase();
  const library = await openDocumentLibrary(db, [await createFolder(files)], createLog().log);
  onTestFinished(() => library.close());
  await library.sync(Date.now());
  return library;
}

const RIVERS = {
  "orla.md":
    "# The Orla\n\nThe Orla is a river.\n\n## Length\n\nThe river Orla is 120 km long.\n\n## Mouth\n\nIt ends in the sea.",
  "venn.md":
    "---\nurl: https://example.com/venn\ndate: 2024-05-01\n---\n# The Venn\n\nThe Venn is a river too.",
  "hills.md": "# Hills\n\nHills are no mountains.",
};

test("a search finds each page once, with the part that matches best", async () => {
  const source = await openFolder(RIVERS);
  const hits = await source.search("How long is the river Orla?", all);
  expect(hits.map(({ title }) => title)).toEqual(["The Orla", "The Venn"]);
  expect(hits[0]).toMatchObject({ excerpt: "The river Orla is 120 km long.", publishedOn: null });
  expect(hits[1]).toMatchObject({ url: "https://example.com/venn", publishedOn: "2024-05-01" });
});

test("a search returns no more hits than asked for, and none that the policy leaves out", async () => {
  const source = await openFolder(RIVERS);
  expect(await source.search("river", { ...all, limit: 1 })).toHaveLength(1);
  const policy = { include_domains: ["example.com"] };
  const hits = await source.search("river", { ...all, policy });
  expect(hits.map(({ title }) => title)).toEqual(["The Venn"]);
  expect(await source.search("glaciers", all)).toEqual([]);
});

test("a hit is read as a whole page, in its own order", async () => {
  const source = await openFolder(RIVERS);
  const [hit] = await source.search("Orla", all);
  const page = await source.read(hit?.id ?? "", signal);
  expect(page).toMatchObject({ id: hit?.id, title: "The Orla", url: hit?.url });
  expect(page.passages.map(({ heading, text }) => ({ heading, text }))).toEqual([
    { heading: "", text: "The Orla is a river." },
    { heading: "Length", text: "The river Orla is 120 km long." },
    { heading: "Mouth", text: "It ends in the sea." },
  ]);
});

test("a page that there is not, and a run that was told to stop, are errors", async () => {
  const source = await openFolder(RIVERS);
  for (const id of ["4711", "", "orla.md"]) {
    await expect(source.read(id, signal)).rejects.toThrow(PageNotFound);
  }
  const reason = new Error("cancelled");
  const aborted = AbortSignal.abort(reason);
  await expect(source.search("river", { ...all, signal: aborted })).rejects.toBe(reason);
  await expect(source.read("1", aborted)).rejects.toBe(reason);
});
