import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { DatabaseUnusable, openDatabase } from "../../src/database/open-database.ts";
import { hasNodeSqlite } from "../../src/database/sqlite-dialect.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";

test("a missing folder and file are created, in WAL mode", async () => {
  const db = await openDatabase(join(await temporaryFolder(), "deep", "state.sqlite"));
  onTestFinished(() => db.destroy());
  const { rows } = await sql<{ journal_mode: string }>`PRAGMA journal_mode`.execute(db);
  expect(rows[0]?.journal_mode).toBe("wal");
});

test("many processes' worth of openings at once agree on one schema", async () => {
  const path = join(await temporaryFolder(), "state.sqlite");
  const databases = await Promise.all(Array.from({ length: 8 }, () => openDatabase(path)));
  for (const db of databases) {
    expect(await db.selectFrom("runs").selectAll().execute()).toEqual([]);
    await db.destroy();
  }
});

test("a file that is no database is refused with what to do", async () => {
  const path = join(await temporaryFolder(), "state.sqlite");
  await writeFile(path, "this is not a database, and long enough to have a header".repeat(10));
  const opening = openDatabase(path);
  await expect(opening).rejects.toThrow(DatabaseUnusable);
  await expect(opening).rejects.toThrow(/damaged or not a SQLite database. Move it away/);
});

test("a folder in the place of the file is refused with what to do", async () => {
  await expect(openDatabase(await temporaryFolder())).rejects.toThrow(/cannot be opened/);
});

test("node:sqlite is used from 22.13 on", () => {
  expect(["20.18.1", "22.12.0", "22.13.0", "23.0.0", "24.21.0"].map(hasNodeSqlite)).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
});
