import type { SqliteDatabase, SqliteStatement } from "kysely";
import { SqliteCode } from "./sqlite-code.ts";

/** An open SQLite database, as Kysely wants it, and `exec` for the statements that find it locked. */
export interface Sqlite extends SqliteDatabase {
  exec(statement: string): void;
}

export const IN_MEMORY = ":memory:";

/** Neither this Node nor an installed package can keep a database in a file. */
export class NoFileDriver extends Error {
  override readonly name = "NoFileDriver";
}

class CannotOpen extends Error {
  override readonly name = "CannotOpen";
  readonly errcode = SqliteCode.cantOpen;
}

/**
 * The driver of this Node: its own `node:sqlite` where it has one that needs no flag, else the optional package
 * `libsql`. Without both there is SQLite in WebAssembly, for databases in memory: it cannot share a file with other
 * processes. Throws {@link NoFileDriver} for a file then.
 */
export async function loadSqliteDriver(path: string): Promise<(path: string) => Sqlite> {
  if (hasNodeSqlite(process.versions.node)) return loadNodeSqlite();
  try {
    return await loadLibsql();
  } catch (error) {
    if (path === IN_MEMORY) return loadWasmSqlite();
    throw new NoFileDriver("There is no SQLite that could keep a file", { cause: error });
  }
}

/** `node:sqlite` needs no flag from 22.13 on. */
export function hasNodeSqlite(nodeVersion: string): boolean {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 13);
}

async function loadLibsql(): Promise<(path: string) => Sqlite> {
  const { default: Libsql } = await import("libsql");
  /** It connects lazily, so only a file that cannot be opened fails here; the error has no code. */
  function connect(path: string) {
    try {
      return new Libsql(path);
    } catch (error) {
      throw new CannotOpen("The file cannot be opened", { cause: error });
    }
  }
  return (path) => {
    const database = connect(path);
    return {
      close: () => void database.close(),
      exec: (statement) => void database.exec(statement),
      prepare: keepStatements((query) => {
        const statement = database.prepare(query);
        return {
          // The driver itself only reports whether there are columns. `PRAGMA incremental_vacuum` returns rows without any:
          // until all of them are read, the statement stays open and every commit fails.
          reader: RETURNS_ROWS.test(query),
          all: (parameters) => statement.all(parameters),
          run: (parameters) => statement.run(parameters),
          iterate: (parameters) => statement.iterate(parameters),
        };
      }),
    };
  };
}

async function loadNodeSqlite(): Promise<(path: string) => Sqlite> {
  const { DatabaseSync } = await import("node:sqlite");
  return (path) => {
    const database = new DatabaseSync(path);
    return {
      close: () => database.close(),
      exec: (statement) => database.exec(statement),
      prepare: keepStatements((query) => {
        const statement = database.prepare(query);
        return {
          reader: RETURNS_ROWS.test(query),
          all: (parameters) => statement.all(...bindable(parameters)),
          run: (parameters) => statement.run(...bindable(parameters)),
          iterate: (parameters) =>
            // Statements are iterated to their end by Kysely, within one call.
            statement.iterate(...bindable(parameters)),
        };
      }),
    };
  };
}

async function loadWasmSqlite(): Promise<(path: string) => Sqlite> {
  const { default: wasm } = await import("node-sqlite3-wasm");
  return (path) => {
    const database = new wasm.Database(path);
    return {
      close: () => database.close(),
      exec: (statement) => database.exec(statement),
      // Statements are not cached: each holds memory that only its own end frees.
      prepare: (query) => ({
        reader: RETURNS_ROWS.test(query),
        all: (parameters) => database.all(query, bindable(parameters)),
        run: (parameters) => database.run(query, bindable(parameters)),
        iterate: (parameters) => database.all(query, bindable(parameters)).values(),
      }),
    };
  };
}

/**
 * Prepared statements are cached per handle: the queries of this program are few, and preparing costs more than
 * running.
 */
const MAX_KEPT_STATEMENTS = 200;

function keepStatements(prepare: (query: string) => SqliteStatement) {
  const kept = new Map<string, SqliteStatement>();
  return (query: string): SqliteStatement => {
    const known = kept.get(query);
    if (known !== undefined) return known;
    const statement = prepare(query);
    // Bulk inserts have many different numbers of rows, so beyond the limit statements are not cached.
    if (kept.size < MAX_KEPT_STATEMENTS) kept.set(query, statement);
    return statement;
  };
}

/** Statements that return rows. `node:sqlite` can report this only since 22.16. */
const RETURNS_ROWS = /^\s*(?:select|with|pragma|explain)\b|\breturning\b/i;

type Bindable = null | number | bigint | string | Uint8Array;

function bindable(parameters: readonly unknown[]): Bindable[] {
  return parameters.map((value) => {
    if (
      value === null ||
      typeof value === "number" ||
      typeof value === "bigint" ||
      typeof value === "string" ||
      value instanceof Uint8Array
    ) {
      return value;
    }
    throw new TypeError(`SQLite cannot store a ${typeof value}`);
  });
}
