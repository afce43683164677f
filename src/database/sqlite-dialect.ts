import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
} from "kysely";
import type { Sqlite } from "./load-sqlite.ts";
import { DatabaseFull, retryWhileLocked } from "./locks.ts";
import { SqliteCode, sqliteCodeOf } from "./sqlite-code.ts";

/** The two handles on one database file: what is read outside a transaction never waits for one. */
export interface SqliteHandles {
  write: Sqlite;
  /** The same handle for a database in memory, which has only one. */
  read: Sqlite;
}

/**
 * Kysely's SQLite dialect for a file that several processes write to. Every write takes the lock when it begins: a
 * deferred transaction that reads and then writes fails at once when another process wrote in between.
 */
export class SharedSqliteDialect extends SqliteDialect {
  readonly #handles: SqliteHandles;

  constructor(handles: SqliteHandles) {
    super({ database: handles.write });
    this.#handles = handles;
  }

  override createDriver(): Driver {
    return new SharedSqliteDriver(this.#handles);
  }

  override createAdapter(): SqliteAdapter {
    return new SharedSqliteAdapter();
  }
}

/** SQLite can change its schema inside a transaction: a process that dies in a migration leaves nothing half done. */
class SharedSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class SharedSqliteDriver implements Driver {
  readonly #handles: SqliteHandles;
  readonly #turn = new Turn();
  #connections: Connections | undefined;

  constructor(handles: SqliteHandles) {
    this.#handles = handles;
  }

  async init(): Promise<void> {
    const { read, write } = this.#handles;
    const writing = await connect(write);
    this.#connections = { write: writing, read: read === write ? writing : await connect(read) };
  }

  async acquireConnection(): Promise<SharedSqliteConnection> {
    if (this.#connections === undefined) throw new Error("The driver was not initialised");
    return new SharedSqliteConnection(this.#handles.write, this.#connections, this.#turn);
  }

  beginTransaction(connection: SharedSqliteConnection): Promise<void> {
    return connection.begin();
  }

  async commitTransaction(connection: SharedSqliteConnection): Promise<void> {
    connection.commit();
  }

  async rollbackTransaction(connection: SharedSqliteConnection): Promise<void> {
    connection.rollback();
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    const { read, write } = this.#handles;
    if (read !== write) read.close();
    write.close();
  }
}

/** The handles, able to run Kysely's queries. */
interface Connections {
  write: DatabaseConnection;
  read: DatabaseConnection;
}

/** Kysely's own connection of a handle; it is never given back, because nothing else uses its driver. */
async function connect(database: Sqlite): Promise<DatabaseConnection> {
  const driver = new SqliteDriver({ database });
  await driver.init();
  return driver.acquireConnection();
}

/** Lets one transaction of this process after another use the write handle. */
class Turn {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, with the function that ends it. */
  async take(): Promise<() => void> {
    let end = () => {};
    const before = this.#last;
    this.#last = new Promise((resolve) => (end = resolve));
    await before;
    return end;
  }
}

/** Statements that take the write lock when they stand alone. */
const WRITES = /^\s*(?:insert|update|delete|replace|create|drop|alter)\b/i;

/**
 * `data_version` counts the commits of all other connections. On the only connection that writes here, it shows commits
 * of other processes.
 */
const COUNTS_COMMITS = /^\s*pragma data_version\b/i;

/**
 * A connection on which only `begin immediate` can find the database locked. It waits without blocking the thread:
 * SQLite's own busy timeout sleeps inside the call, so the process would stand still, and two connections of one
 * process would wait for each other. It uses `exec`, because `libsql` leaves any other statement that failed this way
 * open, and then every commit fails.
 */
class SharedSqliteConnection implements DatabaseConnection {
  readonly #handle: Sqlite;
  readonly #connections: Connections;
  readonly #turn: Turn;
  /** Set while a transaction is open. */
  #endTurn: (() => void) | undefined;

  constructor(handle: Sqlite, connections: Connections, turn: Turn) {
    this.#handle = handle;
    this.#connections = connections;
    this.#turn = turn;
  }

  async begin(): Promise<void> {
    const endTurn = await this.#turn.take();
    try {
      await retryWhileLocked(() => this.#handle.exec("begin immediate"));
      this.#endTurn = endTurn;
    } catch (error) {
      endTurn();
      throw error;
    }
  }

  /** When it throws, the transaction is still open: {@link rollback} follows. Most full disks show only here. */
  commit(): void {
    try {
      this.#handle.exec("commit");
    } catch (error) {
      throw named(error);
    }
    this.#leave();
  }

  rollback(): void {
    try {
      this.#handle.exec("rollback");
    } catch (error) {
      // A full disk, for one, makes SQLite roll back by itself: then no transaction is active, and the error that led
      // here is the one to report.
      if (sqliteCodeOf(error) !== SqliteCode.error) throw error;
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    this.#endTurn?.();
    this.#endTurn = undefined;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { read, write } = this.#connections;
    if (this.#endTurn !== undefined) return run<Row>(write, query);
    if (COUNTS_COMMITS.test(query.sql)) return run<Row>(write, query);
    if (WRITES.test(query.sql)) return this.#inTransaction(() => run<Row>(write, query));
    if (read !== write) return run<Row>(read, query);
    const endTurn = await this.#turn.take();
    return run<Row>(read, query).finally(endTurn);
  }

  async #inTransaction<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.begin();
    try {
      const result = await work();
      this.commit();
      return result;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
  ): AsyncIterableIterator<QueryResult<Row>> {
    return this.#connections.read.streamQuery<Row>(query, chunkSize);
  }
}

async function run<Row>(
  connection: DatabaseConnection,
  query: CompiledQuery,
): Promise<QueryResult<Row>> {
  try {
    return await connection.executeQuery<Row>(query);
  } catch (error) {
    throw named(error);
  }
}

function named(error: unknown): unknown {
  return sqliteCodeOf(error) === SqliteCode.full ? new DatabaseFull({ cause: error }) : error;
}
