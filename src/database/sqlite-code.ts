/** The result codes that this program distinguishes. Source: SQLite, "Result and Error Codes". */
export const SqliteCode = {
  /** Our statements are right, so it means a schema that is not ours, or a rollback without a transaction. */
  error: 1,
  busy: 5,
  locked: 6,
  readonly: 8,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  notADatabase: 26,
} as const;

/**
 * The primary result code of an error: `errcode` in `node:sqlite`, `rawCode` in `libsql`. Undefined for other errors,
 * and for SQLite in WebAssembly, whose errors carry no code; its databases are private and in memory.
 */
export function sqliteCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = "errcode" in error ? error.errcode : "rawCode" in error ? error.rawCode : undefined;
  // The upper bytes distinguish variants of a code.
  return typeof code === "number" ? code & 0xff : undefined;
}
