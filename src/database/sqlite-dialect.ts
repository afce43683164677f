import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteDatabase,
} from "kysely";

/**
 * Kysely's SQLite dialect, with write transactions that take the lock when they begin. A deferred transaction that
 * reads and then writes fails at once when another process wrote in between, whatever the busy timeout.
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
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }
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
