import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { hasNodeSqlite, loadSqliteDriver } from "../../src/database/load-sqlite.ts";
import { engineMigrations } from "../../src/database/migrations.ts";
import { DatabaseUnusable, openDatabase, openSqlite } from "../../src/database/open-database.ts";
import type { DatabaseSchema } from "../../src/database/schema.ts";
import { SqliteCode, sqliteCodeOf } from "../../src/database/sqlite-code.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { load } from "../load.ts";

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

test("a file that a newer version wrote is refused with what to do", async () => {
  const path = join(await temporaryFolder(), "state.sqlite");
  const steps = { ...engineMigrations, "9999-later": { up: async () => {} } };
  await (await openSqlite<DatabaseSchema>(path, steps)).destroy();
  await expect(openDatabase(path)).rejects.toThrow(/written by a newer version. Update/);
});

test("errors of the driver are told apart by their code", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "state.sqlite");
  const open = await loadSqliteDriver(path);
  const [one, other] = [open(path), open(path)];
  onTestFinished(() => {
    one.close();
    other.close();
  });
  const codeOf = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      return sqliteCodeOf(error);
    }
    return "no error";
  };
  one.exec("PRAGMA journal_mode = WAL");
  one.exec("CREATE TABLE filled (text)");
  expect(codeOf(() => one.exec("ROLLBACK"))).toBe(SqliteCode.error);
  one.exec("BEGIN IMMEDIATE");
  expect(codeOf(() => other.exec("BEGIN IMMEDIATE"))).toBe(SqliteCode.busy);
  one.exec("ROLLBACK");
  one.exec("PRAGMA max_page_count = 1");
  const insert = one.prepare("INSERT INTO filled VALUES (?)");
  expect(codeOf(() => insert.run(["x".repeat(100_000)]))).toBe(SqliteCode.full);
  expect(codeOf(() => open(folder).exec("PRAGMA user_version"))).toBe(SqliteCode.cantOpen);
  expect(sqliteCodeOf(new Error("database is locked"))).toBeUndefined();
});

test("an older database keeps its runs, and an active one its webhook", async () => {
  const path = join(await temporaryFolder(), "state.sqlite");
  const older = Object.fromEntries(
    Object.entries(engineMigrations).filter(([name]) => name < "0006"),
  );
  const before = await openSqlite<DatabaseSchema>(path, older);
  const row = (run_id: string, status: string, input: string) => ({
    run_id,
    interaction_id: run_id,
    tenant_id: "default",
    price_usd: 0,
    status,
    processor: "base",
    executor_key: "test",
    input,
    created_at: "",
    modified_at: "",
  });
  const hook = '{"webhook":{"url":"https://receiver.example/"}}';
  await before
    .insertInto("runs")
    .values([
      row("active", "running", hook),
      row("ended", "completed", hook),
      row("plain", "queued", "{}"),
    ])
    .execute();
  await before.destroy();

  const db = await openDatabase(path);
  onTestFinished(() => db.destroy());
  const rows = await db
    .selectFrom("runs")
    .select(["run_id", "has_webhook", "not_before"])
    .execute();
  expect(rows.find((run) => run.run_id === "active")?.has_webhook).toBe(1);
  expect(rows.map((run) => run.not_before)).toEqual([null, null, null]);
});

test("a folder in the place of the file is refused with what to do", async () => {
  await expect(openDatabase(await temporaryFolder())).rejects.toThrow(/cannot be opened/);
});

test.skipIf(process.platform !== "linux").each([
  ["/proc/state/deep", /cannot be opened for writing/],
  ["/dev/null/state", /a file stands where its folder should be/],
])("a state folder %s is refused with what to do", async (folder, words) => {
  await expect(openDatabase(join(folder, "state.sqlite"))).rejects.toThrow(words);
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

test("several processes that open a new file at once all get it, and a killed one leaves nothing half done", async () => {
  const opener = fileURLToPath(new URL("open-process.ts", import.meta.url));
  for (let round = 0; round < load({ full: 3, short: 1 }); round++) {
    const path = join(await temporaryFolder(), "state.sqlite");
    const start = () => {
      const child = spawn(process.execPath, ["--import", "tsx", opener, path]);
      return { child, exited: once(child, "exit") };
    };
    const doomed = start();
    const openers = [start(), start(), start()];
    // As soon as anything of the file exists, one of them dies.
    await expect.poll(() => existsSync(path), { interval: 1 }).toBe(true);
    doomed.child.kill("SIGKILL");
    const exits = await Promise.all(openers.map(({ exited }) => exited));
    expect(exits).toEqual([
      [0, null],
      [0, null],
      [0, null],
    ]);
  }
});

test("the file is for its owner only", async () => {
  const path = join(await temporaryFolder(), "folder", "state.sqlite");
  const db = await openDatabase(path);
  await db.destroy();
  expect((await stat(path)).mode & 0o077).toBe(0);
  expect((await stat(dirname(path))).mode & 0o077).toBe(0);
});

test("reads go on while a transaction is open", async () => {
  const db = await openDatabase(join(await temporaryFolder(), "state.sqlite"));
  onTestFinished(() => db.destroy());
  await db.transaction().execute(async () => {
    expect(await db.selectFrom("runs").selectAll().execute()).toEqual([]);
  });
});

test("a transaction whose statement made SQLite roll back reports that statement's error", async () => {
  const db = await openDatabase(join(await temporaryFolder(), "state.sqlite"));
  onTestFinished(() => db.destroy());
  const failing = db.transaction().execute(async (trx) => {
    await sql`ROLLBACK`.execute(trx);
    throw new Error("the cause");
  });
  await expect(failing).rejects.toThrow("the cause");
  await db.transaction().execute((trx) => trx.selectFrom("runs").selectAll().execute());
});
