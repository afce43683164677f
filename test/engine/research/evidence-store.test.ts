import { expect, test } from "vitest";
import type { Database } from "../../../src/database/open-database.ts";
import { createEvidenceStore } from "../../../src/engine/research/create-evidence-store.ts";
import { searchAlso } from "../../../src/engine/research/found-documents.ts";
import { openDocumentLibrary } from "../../../src/engine/sources/folder/document-library.ts";
import type { DocumentPassage, PassageSearch } from "../../../src/engine/sources/source.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { onFinished } from "../../on-finished.ts";
import { openRunStore } from "../open-run-store.ts";
import {
  createDatabase,
  createFolder,
  createLog,
  writeFiles,
} from "../sources/document-fixtures.ts";

/** A document of many passages: each section is one. */
const sections = (count: number, word: string) =>
  Array.from(
    { length: count },
    (_, index) => `## Part ${index + 1}\n\n${word} number${index + 1}.`,
  );
const longDocument = (count: number, word = "alpha") =>
  `# Long\n\n${sections(count, word).join("\n\n")}\n`;

/** Documents of a folder, runs, and the evidence store on one database file. */
async function open(files: Record<string, string>, databasePath?: string) {
  const path = databasePath ?? (await createDatabase()).path;
  const { db, runs } = await openRunStore(path);
  const folder = await createFolder(files);
  const library = await openDocumentLibrary(db, [folder], createLog().log);
  onFinished(() => library.close());
  const evidence = createEvidenceStore(db);

  async function createRun(): Promise<string> {
    const [run] = await runs.accept([
      {
        input: { input: "?", processor: "base" },
        tenantId: "default",
        taskgroupId: null,
        executorKey: "none",
        warnings: [],
      },
    ]);
    if (run === undefined) throw new Error("the run was not accepted");
    return run.runId;
  }

  async function search(): Promise<PassageSearch> {
    await library.sync(Date.now());
    return library.passages(null);
  }

  async function find(word: string, limit = 10): Promise<DocumentPassage[]> {
    return [...(await (await search()).search({ text: word }, limit)).passages];
  }

  return { db, runs, path, folder, evidence, createRun, search, find };
}

const ids = (passages: readonly { id: string }[]) => passages.map(({ id }) => id);

async function countRows(db: Database): Promise<{ pages: number; blocks: number }> {
  const pages = await db.selectFrom("evidence_pages").select("hash").execute();
  const blocks = await db.selectFrom("evidence_blocks").select("block").execute();
  return { pages: pages.length, blocks: blocks.length };
}

test("hits get ids, and each can be read with what stands around it and the headings of its document", async () => {
  const { evidence, createRun, search, find } = await open({ "long.md": longDocument(9) });
  const runId = await createRun();
  const [hit] = await find("number4");
  if (hit === undefined) throw new Error("nothing was found");
  const [kept] = await evidence.keep(runId, [hit], await search());
  expect(kept).toMatchObject({
    id: "p1.4",
    position: 3,
    heading: "Part 4",
    text: "alpha number4.",
    page: { id: "p1", title: "Long", passageCount: 9, publishedOn: null },
  });
  const around = await evidence.around(runId, "p1.4", 2);
  expect(ids(around)).toEqual(["p1.2", "p1.3", "p1.4", "p1.5", "p1.6"]);
  expect(around[2]).toEqual(kept);
  expect(ids(await evidence.around(runId, "p1.9", 2))).toEqual(["p1.7", "p1.8", "p1.9"]);
  expect(ids(await evidence.around(runId, "p1.1", 1))).toEqual(["p1.1", "p1.2"]);
  const outline = await evidence.outline(runId, "p1");
  expect(outline?.page).toEqual(kept?.page);
  expect(outline?.entries[3]).toEqual({ heading: "Part 4", position: 3, id: "p1.4", isKept: true });
  expect(await evidence.readPage(runId, "p1")).toHaveLength(9);
});

test("an unknown id, another run's and one that is no id find nothing", async () => {
  const { evidence, createRun, search, find } = await open({ "a.md": longDocument(3) });
  const runId = await createRun();
  await evidence.keep(runId, await find("alpha"), await search());
  for (const id of ["p1.0", "p1.4", "p2.1", "p1", "p1.1x", "p1.-1", "", "p01.1"]) {
    expect(await evidence.around(runId, id, 2)).toEqual([]);
  }
  expect(await evidence.around(await createRun(), "p1.1", 2)).toEqual([]);
  expect(await evidence.outline(runId, "p2")).toBeNull();
  expect(await evidence.readPage(runId, "p2")).toEqual([]);
  expect(await evidence.hits("trun_none", { offset: 0, limit: 5 })).toEqual({
    passages: [],
    total: 0,
  });
});

test("a second attempt, also after a restart, finds the same ids, and more hits come after the first ones", async () => {
  const first = await open({ "a.md": longDocument(3, "alpha"), "b.md": longDocument(3, "beta") });
  const runId = await first.createRun();
  const alpha = await first.find("alpha");
  const reader = await first.search();
  const kept = await first.evidence.keep(runId, alpha, reader);

  const again = createEvidenceStore((await openRunStore(first.path)).db);
  expect(await again.keep(runId, alpha.toReversed(), reader)).toEqual(kept.toReversed());
  const beta = await again.keep(runId, [...(await first.find("beta")), ...alpha], reader);
  expect(ids(beta)).toEqual(["p2.1", "p2.2", "p2.3", "p1.1", "p1.2", "p1.3"]);
  const { passages, total } = await again.hits(runId, { offset: 2, limit: 3 });
  expect(total).toBe(6);
  expect(ids(passages)).toEqual(["p1.3", "p2.1", "p2.2"]);
  expect(passages[0]).toEqual(kept[2]);
  expect(ids(await again.pages(runId))).toEqual(["p1", "p2"]);
});

test("a thousand runs that see a page store it once", async () => {
  const { db, evidence, createRun, search, find } = await open({ "a.md": longDocument(3) });
  const hits = await find("alpha");
  const reader = await search();
  const runIds = await Promise.all(Array.from({ length: 1_000 }, createRun));
  await Promise.all(runIds.map((runId) => evidence.keep(runId, hits, reader)));
  expect(await countRows(db)).toEqual({ pages: 1, blocks: 1 });
  expect(ids(await evidence.around(runIds[999] ?? "", "p1.2", 1))).toHaveLength(3);
});

test("two files with one content are two pages, stored once", async () => {
  const { db, evidence, createRun, search, find } = await open({
    "a.md": "# T\n\nalpha",
    "b.md": "# T\n\nalpha",
  });
  const kept = await evidence.keep(await createRun(), await find("alpha"), await search());
  expect(ids(kept)).toEqual(["p1.1", "p2.1"]);
  expect(new Set(kept.map(({ page }) => page.url)).size).toBe(2);
  expect(await countRows(db)).toEqual({ pages: 1, blocks: 1 });
});

test("of a large document only what is near a hit is kept, and its outline says which headings are", async () => {
  const { db, evidence, createRun, search, find } = await open({ "long.md": longDocument(1_000) });
  const runId = await createRun();
  const reader = await search();
  await evidence.keep(runId, await find("number501"), reader);
  expect((await countRows(db)).blocks).toBe(3);
  const around = ids(await evidence.around(runId, "p1.501", 1_000));
  expect(around).toContain("p1.491");
  expect(around).toContain("p1.511");
  expect(around.length).toBeLessThan(100);
  expect(await evidence.around(runId, "p1.1", 2)).toEqual([]);
  const entries = (await evidence.outline(runId, "p1"))?.entries ?? [];
  expect(entries).toHaveLength(300);
  expect(entries.some(({ isKept }) => isKept)).toBe(false);

  await evidence.keep(runId, await find("number1"), reader);
  expect(ids(await evidence.around(runId, "p1.1", 1))).toEqual(["p1.1", "p1.2"]);
  const { passages } = await evidence.hits(runId, { offset: 0, limit: 9 });
  expect(ids(passages)).toEqual(["p1.501", "p1.1"]);
  // Passages on both sides of what is not kept are no neighbours.
  expect(ids(await evidence.around(runId, "p1.501", 1_000))).toEqual(around);
});

test("a run reads the text that it has seen, also when the document has changed or is gone", async () => {
  const { evidence, createRun, folder, search, find } = await open({ "a.md": "# T\n\nalpha old" });
  const [before, after] = [await createRun(), await createRun()];
  await evidence.keep(before, await find("alpha"), await search());
  await writeFiles(folder, { "a.md": "# T\n\nalpha new text" });
  const changed = await find("alpha");
  await evidence.keep(after, changed, await search());
  const read = async (runId: string, id: string) => (await evidence.around(runId, id, 0))[0]?.text;
  expect(await read(before, "p1.1")).toBe("alpha old");
  expect(await read(after, "p1.1")).toBe("alpha new text");
  // A later attempt of the first run: the new text is a page of its own, the old one stays.
  expect(ids(await evidence.keep(before, changed, await search()))).toEqual(["p2.1"]);
  expect(await read(before, "p1.1")).toBe("alpha old");
});

test("a document that changes after it was searched is kept as it was searched", async () => {
  const { db, evidence, createRun, folder, search, find } = await open({ "a.md": longDocument(3) });
  const runId = await createRun();
  const reader = await search();
  const [hit] = await find("number2");
  if (hit === undefined) throw new Error("nothing was found");
  await writeFiles(folder, { "a.md": longDocument(3, "gamma") });
  await search();
  expect(ids(await evidence.keep(runId, [hit], reader))).toEqual(["p1.2"]);
  expect(await evidence.around(runId, "p1.2", 2)).toMatchObject([{ text: "alpha number2." }]);
  expect((await evidence.outline(runId, "p1"))?.entries).toMatchObject([{ heading: "Part 2" }]);
  const stored = await db.selectFrom("evidence_pages").select("hash").execute();
  expect(stored).not.toContainEqual({ hash: hit.document.hash });
});

test("what a tool of the run found is kept like a document", async () => {
  const { evidence, createRun, search } = await open({ "a.md": "alpha" });
  const found = {
    title: "Tool",
    url: "https://tool.example/",
    publishedOn: "2024-05-06",
    passages: [{ heading: "Result", text: "delta", place: null }],
  };
  const both = searchAlso(await search(), [found]);
  const { passages } = await both.search({ text: "delta" }, 5);
  const runId = await createRun();
  const [kept] = await evidence.keep(runId, passages, both);
  expect(kept?.page).toMatchObject({ url: "https://tool.example/", publishedOn: "2024-05-06" });
  expect(await evidence.readPage(runId, "p1")).toEqual([kept]);
});

test("a page goes with the last run that has seen it", async () => {
  const { db, runs, evidence, createRun, search, find } = await open({
    "a.md": "# A\n\nalpha",
    "b.md": "# B\n\nbeta",
  });
  const reader = await search();
  const [old, young] = [await createRun(), await createRun()];
  await evidence.keep(old, [...(await find("alpha")), ...(await find("beta"))], reader);
  await evidence.keep(young, await find("beta"), reader);
  await runs.cancel(old);
  const later = systemClock.now() + 1_000;
  expect(await runs.expired.removeRuns(later)).toBe(1);
  expect(await countRows(db)).toEqual({ pages: 1, blocks: 1 });
  expect(await evidence.around(young, "p1.1", 0)).toMatchObject([{ text: "beta" }]);
  expect(await evidence.around(old, "p1.1", 0)).toEqual([]);

  // A page that is removed while a run is about to keep it is stored again.
  await runs.cancel(young);
  const last = await createRun();
  const hits = await find("beta");
  await Promise.all([
    runs.expired.removeRuns(later),
    evidence.keep(last, hits, reader),
    evidence.keep(last, hits, reader),
  ]);
  expect(await evidence.around(last, "p1.1", 0)).toMatchObject([{ text: "beta" }]);
});
