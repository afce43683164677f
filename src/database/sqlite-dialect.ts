import { setTimeout } from "node:timers/promises";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteDatabase,
} from "kysely";

/**
 * Kysely's SQLite dialect, with write transactions that take the lock when they begin: a deferred transaction that
 * reads and then writes fails at once when another process wrote in between.
 */
export class ImmediateSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;

  constructor(config: SqliteDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new ImmediateSqliteDriver(this.#config);
  }
}

class ImmediateSqliteDriver extends SqliteDriver {
  override async acquireConnection(): Promise<DatabaseConnection> {
    return new PatientConnection(await super.acquireConnection());
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }
}

/**
 * Waits for another connection's lock without blocking the thread. SQLite's own busy timeout sleeps inside the call:
 * the whole process would stand still, and two connections of one process would wait for each other.
 */
class PatientConnection implements DatabaseConnection {
  readonly #inner: DatabaseConnection;

  constructor(inner: DatabaseConnection) {
    this.#inner = inner;
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return retryWhileLocked(() => this.#inner.executeQuery<Row>(query));
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

/** Repeats a statement that found the database locked: it was not begun, so repeating it is safe. */
export async function retryWhileLocked<Result>(
  attempt: () => Result | Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isLocked(error) || performance.now() > deadline) throw error;
    }
    await setTimeout(1 + Math.random() * LOCK_RETRY_MS);
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && /database (?:table )?is locked|SQLITE_BUSY/.test(error.message);
}

/** The driver of this Node: its own `node:sqlite` where it has one that needs no flag, else the `libsql` package. */
export async function loadSqliteDriver(): Promise<(path: string) => SqliteDatabase> {
  return hasNodeSqlite(process.versions.node) ? loadNodeSqlite() : loadLibsql();
}

/** `node:sqlite` needs no flag from 22.13 on. */
export function hasNodeSqlite(nodeVersion: string): boolean {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 13);
}

async function loadLibsql(): Promise<(path: string) => SqliteDatabase> {
  const { default: Libsql } = await import("libsql");
  return (path) => new Libsql(path);
}

async function loadNodeSqlite(): Promise<(path: string) => SqliteDatabase> {
  const { DatabaseSync } = await import("node:sqlite");
  return (path) => {
    const database = new DatabaseSync(path);
    return {
      close: () => database.close(),
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
