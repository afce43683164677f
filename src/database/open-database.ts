import { mkdir, open as openFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Kysely, type Migration, Migrator, sql } from "kysely";
import { engineMigrations } from "./migrations.ts";
import { IN_MEMORY, NoFileDriver, type Sqlite, loadSqliteDriver } from "./load-sqlite.ts";
import { DatabaseLocked, retryWhileLocked } from "./locks.ts";
import type { DatabaseSchema } from "./schema.ts";
import { SqliteCode, sqliteCodeOf } from "./sqlite-code.ts";
import { SharedSqliteDialect } from "./sqlite-dialect.ts";

export type Database = Kysely<DatabaseSchema>;

/** The database file cannot be used: what is wrong with it, and what to do. */
export class DatabaseUnusable extends Error {
  override readonly name = "DatabaseUnusable";
  readonly path: string;

  constructor(path: string, problem: string, options: { cause: unknown }) {
    super(`The database ${path} cannot be used: ${problem}`, options);
    this.path = path;
  }
}

const NO_FILE_DRIVER =
  "this Node has no SQLite of its own and the optional package libsql is missing. Install it, or use Node 22.13 or later.";

/** Opens the engine's database; see {@link openSqlite}. */
export function openDatabase(path: string): Promise<Database> {
  return openSqlite<DatabaseSchema>(path, engineMigrations);
}

/**
 * Opens the SQLite file (created with its folder when missing) in WAL mode, so that several processes share it, and
 * brings its schema up to date. `:memory:` gives a private database that ends with the process.
 * Throws {@link DatabaseUnusable}.
 */
export async function openSqlite<Schema>(
  path: string,
  steps: Record<string, Migration>,
): Promise<Kysely<Schema>> {
  let close: (() => Promise<void> | void) | undefined;
  try {
    const open = await loadSqliteDriver(path);
    if (path !== IN_MEMORY) await prepareFile(path);
    const write = open(path);
    close = () => write.close();
    await retryWhileLocked(() => configure(write));
    const read = path === IN_MEMORY ? write : open(path);
    if (read !== write) await retryWhileLocked(() => configure(read));
    const db = new Kysely<Schema>({ dialect: new SharedSqliteDialect({ write, read }) });
    close = () => db.destroy();
    await migrate(db, steps);
    return db;
  } catch (error) {
    await close?.();
    throw new DatabaseUnusable(path, describe(error), { cause: error });
  }
}

/** Makes the folder and the file, for their owner only: runs may carry secrets. */
async function prepareFile(path: string): Promise<void> {
  await makeFolder(dirname(path));
  const file = await openFile(path, "a", 0o600);
  await file.close();
}

/**
 * Creates a folder and its missing parents, accessible to their owner only, and resolves to the outermost that it
 * created. Unlike Node's own function, it ends when the system reports an existing folder as missing (`/proc`).
 */
export async function makeFolder(folder: string): Promise<string | undefined> {
  try {
    if ((await stat(folder)).isDirectory()) return undefined;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  const outer = dirname(folder) === folder ? undefined : await makeFolder(dirname(folder));
  try {
    await mkdir(folder, 0o700);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (codeOf(error) !== "EEXIST" || !(await stat(folder)).isDirectory()) throw error;
    return outer;
  }
  return outer ?? folder;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function configure(sqlite: Sqlite): void {
  const pragma = (setting: string) => sqlite.exec(`PRAGMA ${setting}`);
  // Never wait inside SQLite: see `SharedSqliteConnection`.
  pragma("busy_timeout = 0");
  // Must come before the first table: what retention deletes can then be given back, bit by bit.
  pragma("auto_vacuum = INCREMENTAL");
  pragma("journal_mode = WAL");
  // In WAL mode, NORMAL survives a killed process; only a power cut can lose the last commits.
  pragma("synchronous = NORMAL");
  pragma("foreign_keys = ON");
  // Only a checkpoint waits for the disk. At 16 MB, four times the default, it comes once in some hundred runs.
  pragma("wal_autocheckpoint = 4000");
}

async function migrate<Schema>(
  db: Kysely<Schema>,
  steps: Record<string, Migration>,
): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => steps } });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  if (await hasUnknownMigration(db, steps).catch(() => false)) {
    throw new WrittenByNewerVersion(
      "it was written by a newer version. Update task-run-mcp, or choose another state folder.",
      { cause: error },
    );
  }
  throw error;
}

class WrittenByNewerVersion extends Error {
  override readonly name = "WrittenByNewerVersion";
}

async function hasUnknownMigration<Schema>(
  db: Kysely<Schema>,
  steps: Record<string, Migration>,
): Promise<boolean> {
  const { rows } = await sql<{ name: string }>`SELECT name FROM kysely_migration`.execute(db);
  return rows.some(({ name }) => !Object.hasOwn(steps, name));
}

function describe(error: unknown): string {
  if (error instanceof NoFileDriver) return NO_FILE_DRIVER;
  if (error instanceof WrittenByNewerVersion) return error.message;
  if (error instanceof DatabaseLocked) return LOCKED;
  const message = error instanceof Error ? error.message : String(error);
  return (
    describeSqliteCode(sqliteCodeOf(error), message) ?? describeSystemCode(codeOf(error)) ?? message
  );
}

const LOCKED =
  "another program holds a lock on it. Close that program, or choose another state folder.";
const FULL = "its disk is full. Make room on it, or choose another state folder.";
const NOT_WRITABLE =
  "it cannot be opened for writing. Check the permissions of the folder, or choose another state folder.";

function describeSqliteCode(code: number | undefined, message: string): string | undefined {
  switch (code) {
    case SqliteCode.corrupt:
    case SqliteCode.notADatabase:
      return "the file is damaged or not a SQLite database. Move it away (a new one is made), or choose another state folder.";
    case SqliteCode.error:
      return `SQLite cannot use the file as it is (${message}). Move it away (a new one is made), or choose another state folder.`;
    case SqliteCode.full:
      return FULL;
    case SqliteCode.busy:
    case SqliteCode.locked:
      return LOCKED;
    case SqliteCode.readonly:
    case SqliteCode.cantOpen:
      return NOT_WRITABLE;
    default:
      return undefined;
  }
}

function describeSystemCode(code: unknown): string | undefined {
  switch (code) {
    case "ENOSPC":
      return FULL;
    case "EMFILE":
    case "ENFILE":
      return "this process may open no more files. Raise its limit (ulimit -n).";
    case "EEXIST":
    case "ENOTDIR":
      return "a file stands where its folder should be. Move that file, or choose another state folder.";
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "EISDIR":
    case "ENOENT":
      // ENOENT: the system reports a folder under /proc as missing, whatever is created.
      return NOT_WRITABLE;
    default:
      return undefined;
  }
}
