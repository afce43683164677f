import { readFile } from "node:fs/promises";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { openDatabase } from "../../../src/database/open-database.ts";
import { stemmer } from "stemmer";

test("words are stemmed as SQLite's porter tokenizer stems them", async () => {
  const licence = await readFile(
    new URL("../../../node_modules/typescript/README.md", import.meta.url),
    "utf8",
  );
  const words = new Set(
    `${licence} founded founding foundation populations relational conditional vietnamization hopefulness
     electrical adjustable triplicate formalize happy sky dying agreed feed plastered motoring hopping falling filing
     conflated troubled sized rate cease controlling roll countries economies trillions measured`
      .toLowerCase()
      .match(/[a-z]{3,}/g),
  );
  const db = await openDatabase(":memory:");
  try {
    await sql`CREATE VIRTUAL TABLE temp.stems USING fts5(word, tokenize = "porter unicode61")`.execute(
      db,
    );
    await sql`CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(stems, instance)`.execute(db);
    const list = [...words];
    for (const [index, word] of list.entries()) {
      await sql`INSERT INTO temp.stems (rowid, word) VALUES (${index + 1}, ${word})`.execute(db);
    }
    const { rows } = await sql<{
      term: string;
      doc: number;
    }>`SELECT term, doc FROM temp.vocabulary`.execute(db);
    const expected = Object.fromEntries(rows.map(({ term, doc }) => [list[doc - 1], term]));
    expect(rows.length).toBeGreaterThan(150);
    expect(Object.fromEntries(list.map((word) => [word, stemmer(word)]))).toEqual(expected);
  } finally {
    await db.destroy();
  }
});
