import { type Kysely, type Migration, sql } from "kysely";

/**
 * The schema, step by step; keys are applied in order and never change once released. A migration sees the database as
 * it was then, so it is not typed by today's schema.
 */
export const migrations: Record<string, Migration> = {
  "0001-runs": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable("runs")
        .addColumn("run_id", "text", (column) => column.primaryKey())
        .addColumn("interaction_id", "text", (column) => column.notNull())
        .addColumn("status", "text", (column) => column.notNull())
        .addColumn("processor", "text", (column) => column.notNull())
        .addColumn("executor_key", "text", (column) => column.notNull())
        .addColumn("input", "text", (column) => column.notNull())
        .addColumn("output", "text")
        .addColumn("error", "text")
        .addColumn("warnings", "text")
        .addColumn("attempt", "integer", (column) => column.notNull().defaultTo(0))
        .addColumn("lease_owner", "text")
        .addColumn("lease_until", "bigint")
        .addColumn("created_at", "text", (column) => column.notNull())
        .addColumn("modified_at", "text", (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex("runs_by_status")
        .on("runs")
        .columns(["status", "executor_key", "created_at"])
        .execute();
      await db.schema
        .createIndex("runs_by_time")
        .on("runs")
        .columns(["created_at", "run_id"])
        .execute();
      await db.schema
        .createTable("run_events")
        .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
        .addColumn("run_id", "text", (column) => column.notNull().references("runs.run_id"))
        .addColumn("seq", "integer", (column) => column.notNull())
        .addColumn("type", "text", (column) => column.notNull())
        .addColumn("body", "text", (column) => column.notNull())
        .addColumn("created_at", "text", (column) => column.notNull())
        .addUniqueConstraint("run_events_order", ["run_id", "seq"])
        .execute();
    },
  },
  "0002-documents": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable("documents")
        .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
        .addColumn("folder", "text", (column) => column.notNull())
        .addColumn("path", "text", (column) => column.notNull())
        .addColumn("modified_ms", "real", (column) => column.notNull())
        .addColumn("size_bytes", "integer", (column) => column.notNull())
        .addColumn("title", "text", (column) => column.notNull())
        .addColumn("url", "text", (column) => column.notNull())
        .addColumn("published_on", "text")
        .addColumn("passage_count", "integer", (column) => column.notNull())
        .addUniqueConstraint("documents_by_path", ["folder", "path"])
        .execute();
      // FTS5 is SQLite's own full-text index; `porter` makes "founded" find "founding".
      await sql`CREATE VIRTUAL TABLE passages USING fts5(
        title, heading, text,
        tokenize = "porter unicode61 remove_diacritics 2"
      )`.execute(db);
    },
  },
};
