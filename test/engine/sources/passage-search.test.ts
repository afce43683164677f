import { expect, test } from "vitest";
import { openDocumentLibrary } from "../../../src/engine/sources/folder/document-library.ts";
import { searchAlso } from "../../../src/engine/research/found-documents.ts";
import type { PassageSearch } from "../../../src/engine/sources/source.ts";
import { onFinished } from "../../on-finished.ts";
import { createDatabase, createFolder, createLog } from "./document-fixtures.ts";

async function openSearch(files: Record<string, string>): Promise<PassageSearch> {
  const { db } = await createDatabase();
  const library = await openDocumentLibrary(db, [await createFolder(files)], createLog().log);
  onFinished(() => library.close());
  await library.sync(Date.now());
  return library.passages(null);
}

async function titlesFor(search: PassageSearch, text: string, hints?: string): Promise<string[]> {
  const { passages } = await search.search(hints === undefined ? { text } : { text, hints }, 10);
  return passages.map(({ document }) => document.title);
}

/** Documents of one sentence each, by title. */
function pages(texts: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).map(([title, text]) => [`${title}.md`, `# ${title}\n\n${text}`]),
  );
}

const many = (text: string, count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`Page ${i + 1}`, `${text} ${i + 1}.`]),
  );

test("a rare word outweighs frequent ones, and stop words are not asked for", async () => {
  const search = await openSearch(
    pages({ ...many("The harbour has a lamp, number", 8), Buoys: "A buoy is near the harbour." }),
  );
  const { terms, passages } = await search.search({ text: "What is the buoy of the harbour?" }, 3);
  expect(terms.map(({ word, passages: count }) => [word, count])).toEqual([
    ["buoy", 1],
    ["harbour", 9],
  ]);
  expect(passages[0]?.document.title).toBe("Buoys");
  expect(terms[0]?.weight).toBeGreaterThan(terms[1]?.weight ?? Infinity);
  expect(terms[0]?.isIn("Two BUOYS lie there.")).toBe(true);
  expect(terms[0]?.isIn("A boy lies there.")).toBe(false);
});

test("a date is found in every spelling, and not in another order of its numbers", async () => {
  const search = await openSearch({
    "weather.csv": `date,rain\n${Array.from({ length: 12 }, (_, m) => `2012-${String(m + 1).padStart(2, "0")}-01,${m}`).join("\n")}`,
    ...pages({
      Right: "It rained on 2012-01-02.",
      Wrong: "It rained on 2012-02-01 and 2012-02-01.",
    }),
  });
  for (const date of [
    "2012-01-02",
    "January 2, 2012",
    "2 Jan 2012",
    "02.01.2012",
    "2. Januar 2012",
  ]) {
    const { terms, passages } = await search.search({ text: `How much rain on ${date}?` }, 5);
    expect(passages[0]?.document.title, date).toBe("Right");
    expect(terms.map(({ word }) => word)).toEqual(["rain", date]);
  }
  const { terms } = await search.search({ text: "Rain on 4 May 1999" }, 5);
  expect(terms.at(-1)).toMatchObject({ word: "4 May 1999", passages: 0, weight: 0 });
});

test("a misspelled word finds its frequent neighbour", async () => {
  const search = await openSearch(
    pages({ ...many("The population of town", 25), Other: "The poulation is a typo, said he." }),
  );
  for (const word of ["poulation", "popualtion", "popullation", "pupulation", "ppoulation"]) {
    const { terms, passages } = await search.search({ text: `${word} of town 7` }, 3);
    expect(passages[0]?.text, word).toBe("The population of town 7.");
    expect(terms[0]?.isIn("many populations")).toBe(true);
  }
  const { terms } = await search.search({ text: "zebra pupulation poulation" }, 3);
  expect(terms).toMatchObject([
    { word: "zebra", passages: 0, weight: 0 },
    { word: "pupulation", passages: 25, takenFor: ["population"] },
    { word: "poulation", passages: 26 },
  ]);
  expect(terms.map((term) => "takenFor" in term)).toEqual([false, true, false]);
});

test("words of other languages are found in other forms than they are asked in", async () => {
  const search = await openSearch(
    pages({
      German: "Mindestens benötigte Arbeitsspeichergrößen stehen hier.",
      Russian: "Минимальный объём оперативной памяти указан здесь.",
      Korean: "최소 메모리는 여기에 있다.",
      Japanese: "必要なメモリとディスクは以下のとおり。",
      Chinese: "安装所需的最小内存如下。",
      Thai: "หน่วยความจำขั้นต่ำอยู่ที่นี่",
      Hindi: "न्यूनतम स्मृति यहाँ है।",
    }),
  );
  for (const [question, title] of [
    ["Wie viel Arbeitsspeicher wird mindestens benötigt?", "German"],
    ["Сколько нужно оперативная память?", "Russian"],
    ["메모리가 얼마나 필요합니까?", "Korean"],
    ["メモリはどれくらい必要ですか?", "Japanese"],
    ["需要多少内存?", "Chinese"],
    ["ต้องการหน่วยความจำเท่าไร", "Thai"],
    ["कितनी स्मृति चाहिए?", "Hindi"],
  ] as const) {
    expect((await titlesFor(search, question))[0], question).toBe(title);
  }
});

test("names with signs are one word, and what is named so comes before what mentions it", async () => {
  const search = await openSearch({
    "settings.md": `# Settings\n\n## shared_buffers\n\nSets the memory of the server.\n\n## Advice\n\nSet shared_buffers high, shared memory buffers are cheap.`,
    ...pages({
      Languages: "C++ is one of them.",
      Letters: "C is a letter, and c again.",
      Merging: "Use --no-ff to keep the merge.",
      Refusing: "No, the ff files are not kept.",
    }),
  });
  const { terms, passages } = await search.search({ text: "What is shared_buffers?" }, 3);
  expect(terms.map(({ word }) => word)).toEqual(["shared_buffers"]);
  expect(passages[0]?.heading).toContain("shared_buffers");
  expect((await titlesFor(search, "What is C++?"))[0]).toBe("Languages");
  expect((await titlesFor(search, "--no-ff"))[0]).toBe("Merging");
  const unknown = await search.search({ text: "server/memory" }, 3);
  expect(unknown.terms.map(({ word }) => word)).toEqual(["server", "memory"]);
});

test("the question in a page of text asks, wherever it stands; hints alone find nothing new", async () => {
  const noise = "The harbour of Brei has lamps and ferries and a long history of trade. ".repeat(
    30,
  );
  const search = await openSearch(
    pages({ Harbour: noise, Buoys: "A buoy weighs nine tons.", Lamps: "A lamp weighs two tons." }),
  );
  const question = "How much does a buoy weigh?";
  for (const text of [`${noise}\n\n${question}`, `${question}\n\n${noise}`]) {
    const { terms, passages } = await search.search({ text }, 3);
    expect(terms.map(({ word }) => word)).toEqual(["buoy", "weigh"]);
    expect(passages[0]?.document.title).toBe("Buoys");
  }
  expect(await titlesFor(search, "weighs tons", "lamp")).toEqual(["Lamps", "Buoys"]);
  const long = await search.search({ text: "Foo, Bar and ".repeat(69_000) }, 3);
  expect(long.passages).toEqual([]);
});

test("what a run found itself is ranked with the documents of the folder", async () => {
  const folder = await openSearch(pages(many("A lamp is at the harbour, number", 5)));
  const search = searchAlso(folder, [
    {
      title: "Tool",
      url: "https://example.com/buoys",
      publishedOn: null,
      passages: [{ heading: "Buoys", text: "The buoy is red.", place: null }],
    },
  ]);
  const { terms, passages, documentIds } = await search.search({ text: "buoy at the harbour" }, 3);
  expect(terms.map(({ passages: count }) => count)).toEqual([1, 5]);
  expect(passages[0]?.document).toMatchObject({ id: -1, url: "https://example.com/buoys" });
  expect(passages[1]?.document.title).toMatch(/^Page/);
  expect(documentIds).toHaveLength(6);
});
