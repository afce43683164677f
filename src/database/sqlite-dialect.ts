import { setTimeout } from "node:timers/promises";
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteDialect,
  SqliteDriver,
  type SqliteDatabase,
} from "kysely";

/** An open SQLite database, as Kysely wants it, and `exec` for the statements that find it locked. */
export interface Sqlite extends SqliteDatabase {
  exec(statement: string): void;
}

/**
 * Kysely's SQLite dialect for a file that several processes write to. Every write takes the lock when it begins: a
 * deferred transaction that reads and then writes fails at once when another process wrote in between.
 */
export class SharedSqliteDialect extends SqliteDialect {
  readonly #sqlite: Sqlite;

  constructor(sqlite: Sqlite) {
    super({ database: sqlite });
    this.#sqlite = sqlite;
  }

  override createDriver(): Driver {
    return new SharedSqliteDriver(this.#sqlite);
  }
}

class SharedSqliteDriver extends SqliteDriver {
  readonly #sqlite: Sqlite;

  constructor(sqlite: Sqlite) {
    super({ database: sqlite });
    this.#sqlite = sqlite;
  }

  override async acquireConnection(): Promise<SharedSqliteConnection> {
    return new SharedSqliteConnection(await super.acquireConnection(), this.#sqlite);
  }

  override beginTransaction(connection: SharedSqliteConnection): Promise<void> {
    return connection.begin();
  }

  override async commitTransaction(connection: SharedSqliteConnection): Promise<void> {
    connection.end("commit");
  }

  override async rollbackTransaction(connection: SharedSqliteConnection): Promise<void> {
    connection.end("rollback");
  }
}

/** Statements that take the write lock when they stand alone. */
const WRITES = /^\s*(?:insert|update|delete|replace|create|drop|alter)\b/i;

/**
 * A connection on which only `begin immediate` can find the database locked. It waits without blocking the thread:
 * SQLite's own busy timeout sleeps inside the call, so the process would stand still, and two connections of one
 * process would wait for each other. And it goes through `exec`, because `libsql` keeps any other statement that
 * failed this way open, and then refuses every commit.
 */
class SharedSqliteConnection implements DatabaseConnection {
  readonly #inner: DatabaseConnection;
  readonly #sqlite: Sqlite;
  #inTransaction = false;

  constructor(inner: DatabaseConnection, sqlite: Sqlite) {
    this.#inner = inner;
    this.#sqlite = sqlite;
  }

  async begin(): Promise<void> {
    await retryWhileLocked(() => this.#sqlite.exec("begin immediate"));
    this.#inTransaction = true;
  }

  end(how: "commit" | "rollback"): void {
    this.#inTransaction = false;
    this.#sqlite.exec(how);
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.#inTransaction || !WRITES.test(query.sql)) return this.#inner.executeQuery<Row>(query);
    await this.begin();
    try {
      const result = await this.#inner.executeQuery<Row>(query);
      this.end("commit");
      return result;
    } catch (error) {
      this.end("rollback");
      throw error;
    }
  }

  streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
  ): AsyncIterableIterator<QueryResult<Row>> {
    return this.#inner.streamQuery<Row>(query, chunkSize);
  }
}

/** How long a statement waits for another connection's lock. Writes here take milliseconds; 5 s means something is stuck. */
const LOCK_WAIT_MS = 5_000;
/** The longest pause between two tries; each is random, so that those who wait do not meet again. */
const LOCK_RETRY_MS = 10;

/** Another program kept the database locked for longer than any write of ours takes; nothing was written. */
export class DatabaseLocked extends Error {
  override readonly name = "DatabaseLocked";

  constructor(options: { cause: unknown }) {
    super(
      "The database is locked by another program, so nothing was written. Close that program, or choose another state folder.",
      options,
    );
  }
}

/** Repeats a statement that found the database locked: it was not begun, so repeating it is safe. */
export async function retryWhileLocked<Result>(
  attempt: () => Result | Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isLocked(error)) throw error;
      if (performance.now() > deadline) throw new DatabaseLocked({ cause: error });
    }
    await setTimeout(1 + Math.random() * LOCK_RETRY_MS);
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && /database (?:table )?is locked|SQLITE_BUSY/.test(error.message);
}

/** The driver of this Node: its own `node:sqlite` where it has one that needs no flag, else the `libsql` package. */
export async function loadSqliteDriver(): Promise<(path: string) => Sqlite> {
  return hasNodeSqlite(process.versions.node) ? loadNodeSqlite() : loadLibsql();
}

/** `node:sqlite` needs no flag from 22.13 on. */
export function hasNodeSqlite(nodeVersion: string): boolean {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 13);
}

async function loadLibsql(): Promise<(path: string) => Sqlite> {
  const { default: Libsql } = await import("libsql");
  return (path) => {
    const database = new Libsql(path);
    return {
      close: () => void database.close(),
      exec: (statement) => void database.exec(statement),
      prepare: (query) => database.prepare(query),
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
      prepare: (query) => {
        const statement = database.prepare(query);
        return {
          reader: RETURNS_ROWS.test(query),
          all: (parameters) => statement.all(...bindable(parameters)),
          run: (parameters) => statement.run(...bindable(parameters)),
          iterate: (parameters) =>
            // Statements are iterated to their end by Kysely, within one call.
            statement.iterate(...bindable(parameters)),
        };
      },
    };
  };
}

/** Statements that answer with rows; `node:sqlite` could tell only from 22.16 on. */
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
