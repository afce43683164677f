import { type Kysely, type Migration, sql } from "kysely";

/**
 * The schema, step by step; keys are applied in order and never change once released. A migration sees the database as
 * it was then, so it is not typed by today's schema.
 */
export const engineMigrations: Record<string, Migration> = {
  "0001-runs": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable("task_groups")
        .addColumn("taskgroup_id", "text", (column) => column.primaryKey())
        .addColumn("tenant_id", "text", (column) => column.notNull())
        .addColumn("metadata", "text")
        .addColumn("created_at", "text", (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("runs")
        .addColumn("run_id", "text", (column) => column.primaryKey())
        .addColumn("interaction_id", "text", (column) => column.notNull())
        .addColumn("tenant_id", "text", (column) => column.notNull())
        .addColumn("taskgroup_id", "text", (column) =>
          column.references("task_groups.taskgroup_id"),
        )
        .addColumn("status", "text", (column) => column.notNull())
        .addColumn("processor", "text", (column) => column.notNull())
        .addColumn("price_usd", "real", (column) => column.notNull())
        .addColumn("executor_key", "text", (column) => column.notNull())
        .addColumn("input", "text", (column) => column.notNull())
        .addColumn("output", "text")
        .addColumn("error", "text")
        .addColumn("warnings", "text")
        .addColumn("attempt", "integer", (column) => column.notNull().defaultTo(0))
        .addColumn("lease_owner", "text")
        .addColumn("lease_until", "bigint")
        .addColumn("action_until", "bigint")
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
        .columns(["tenant_id", "created_at", "run_id"])
        .execute();
      await db.schema
        .createIndex("runs_by_interaction")
        .on("runs")
        .column("interaction_id")
        .execute();
      await db.schema
        .createIndex("runs_by_group")
        .on("runs")
        // The time is included so that a group's status needs only the index.
        .columns(["taskgroup_id", "status", "modified_at"])
        .execute();
      await db.schema
        .createTable("run_events")
        .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
        .addColumn("run_id", "text", (column) =>
          column.notNull().references("runs.run_id").onDelete("cascade"),
        )
        .addColumn("seq", "integer", (column) => column.notNull())
        .addColumn("type", "text", (column) => column.notNull())
        .addColumn("body", "text", (column) => column.notNull())
        .addColumn("created_at", "text", (column) => column.notNull())
        .addUniqueConstraint("run_events_order", ["run_id", "seq"])
        .execute();
      await db.schema
        .createTable("idempotency_keys")
        .addColumn("tenant_id", "text", (column) => column.notNull())
        .addColumn("key", "text", (column) => column.notNull())
        .addColumn("request_hash", "text", (column) => column.notNull())
        .addColumn("answer_status", "integer", (column) => column.notNull())
        .addColumn("answer_body", "text", (column) => column.notNull())
        .addColumn("created_ms", "bigint", (column) => column.notNull())
        .addPrimaryKeyConstraint("idempotency_keys_pk", ["tenant_id", "key"])
        .execute();
      await db.schema
        .createIndex("idempotency_keys_by_time")
        .on("idempotency_keys")
        .column("created_ms")
        .execute();
      await db.schema
        .createTable("tenant_spending")
        .addColumn("tenant_id", "text", (column) => column.primaryKey())
        .addColumn("removed_usd", "real", (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("webhook_deliveries")
        .addColumn("webhook_id", "text", (column) => column.primaryKey())
        .addColumn("run_id", "text", (column) =>
          column.notNull().references("runs.run_id").onDelete("cascade"),
        )
        .addColumn("url", "text", (column) => column.notNull())
        .addColumn("body", "text", (column) => column.notNull())
        .addColumn("attempts", "integer", (column) => column.notNull().defaultTo(0))
        .addColumn("next_attempt_ms", "bigint")
        .addColumn("created_ms", "bigint", (column) => column.notNull())
        .addColumn("last_problem", "text")
        .execute();
      await db.schema
        .createIndex("webhook_deliveries_due")
        .on("webhook_deliveries")
        // The URL is included so that webhooks for a busy receiver are skipped without reading their rows.
        .columns(["next_attempt_ms", "url"])
        .execute();
      // For the cascade: without this index, removing one run reads every webhook.
      await db.schema
        .createIndex("webhook_deliveries_by_run")
        .on("webhook_deliveries")
        .column("run_id")
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
  "0003-document-index": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable("document_index")
        .addColumn("version", "integer", (column) => column.notNull())
        .execute();
      await sql`INSERT INTO document_index (version) VALUES (0)`.execute(db);
    },
  },
  "0004-growth": {
    async up(db: Kysely<unknown>) {
      // A page of a list is read from its index in order, however many other runs the tenant has.
      await db.schema
        .createIndex("runs_by_tenant_status")
        .on("runs")
        .columns(["tenant_id", "status", "created_at", "run_id"])
        .execute();
      await db.schema
        .createIndex("runs_by_tenant_group")
        .on("runs")
        .columns(["tenant_id", "taskgroup_id", "created_at", "run_id"])
        .where(sql.ref("taskgroup_id"), "is not", null)
        .execute();
      await db.schema
        .createIndex("runs_by_deadline")
        .on("runs")
        .column("action_until")
        .where(sql.ref("action_until"), "is not", null)
        .execute();
      // A tenant's spending is stored as one number, because adding up its runs takes longer with each of them.
      await db.schema
        .alterTable("tenant_spending")
        .renameColumn("removed_usd", "spent_usd")
        .execute();
      await sql`INSERT INTO tenant_spending (tenant_id, spent_usd)
        SELECT tenant_id, sum(price_usd) FROM runs WHERE status NOT IN ('failed', 'cancelled') GROUP BY tenant_id
        ON CONFLICT (tenant_id) DO UPDATE SET spent_usd = spent_usd + excluded.spent_usd`.execute(
        db,
      );
    },
  },
  "0005-group-order": {
    async up(db: Kysely<unknown>) {
      // A page of a group's runs is read from an index in order, however many others the group has.
      await db.schema.alterTable("runs").addColumn("first_event_id", "bigint").execute();
      await sql`UPDATE runs SET first_event_id =
        (SELECT id FROM run_events WHERE run_events.run_id = runs.run_id AND seq = 1)
        WHERE taskgroup_id IS NOT NULL`.execute(db);
      await db.schema
        .createIndex("runs_by_group_order")
        .on("runs")
        .columns(["taskgroup_id", "first_event_id"])
        .where(sql.ref("taskgroup_id"), "is not", null)
        .execute();
      await db.schema
        .createIndex("runs_by_group_status_order")
        .on("runs")
        .columns(["taskgroup_id", "status", "first_event_id"])
        .where(sql.ref("taskgroup_id"), "is not", null)
        .execute();
    },
  },
  "0006-retry-later": {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable("runs").addColumn("not_before", "bigint").execute();
      await db.schema
        .createIndex("runs_by_retry")
        .on("runs")
        .column("not_before")
        .where(sql.ref("not_before"), "is not", null)
        .execute();
      // A claim reads the runs that are ready in order, and none of those that wait for their time.
      await db.schema.dropIndex("runs_by_status").execute();
      await db.schema
        .createIndex("runs_by_status")
        .on("runs")
        .columns(["status", "executor_key", "not_before", "created_at"])
        .execute();
      // 1 for runs of an older version, also those that it accepts while it still runs beside this one: too many is
      // harmless, because the input is read then.
      await db.schema
        .alterTable("runs")
        .addColumn("has_webhook", "integer", (column) => column.notNull().defaultTo(1))
        .execute();
    },
  },
  "0007-passages": {
    async up(db: Kysely<unknown>) {
      // Passages know their place in the file, and dates are found in every spelling: all files are read again.
      await sql`DROP TABLE passages`.execute(db);
      await sql`CREATE VIRTUAL TABLE passages USING fts5(
        title, heading, text, dates, place UNINDEXED,
        tokenize = "porter unicode61 remove_diacritics 2"
      )`.execute(db);
      await sql`CREATE VIRTUAL TABLE passage_words USING fts5vocab(passages, row)`.execute(db);
      await sql`DELETE FROM documents`.execute(db);
      await sql`UPDATE document_index SET version = version + 1`.execute(db);
      await db.schema
        .alterTable("documents")
        .addColumn("content_hash", "text", (column) => column.notNull().defaultTo(""))
        .execute();
      await db.schema.alterTable("documents").addColumn("problems", "text").execute();
    },
  },
  "0008-evidence": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable("evidence_pages")
        .addColumn("hash", "text", (column) => column.primaryKey())
        .addColumn("passage_count", "integer", (column) => column.notNull())
        .addColumn("outline", "text", (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("evidence_blocks")
        .addColumn("hash", "text", (column) =>
          column.notNull().references("evidence_pages.hash").onDelete("cascade"),
        )
        .addColumn("block", "integer", (column) => column.notNull())
        .addColumn("passages", "text", (column) => column.notNull())
        .addPrimaryKeyConstraint("evidence_blocks_pk", ["hash", "block"])
        .execute();
      await db.schema
        .createTable("run_evidence")
        .addColumn("run_id", "text", (column) =>
          column.notNull().references("runs.run_id").onDelete("cascade"),
        )
        .addColumn("page", "integer", (column) => column.notNull())
        .addColumn("hash", "text", (column) => column.notNull().references("evidence_pages.hash"))
        .addColumn("title", "text", (column) => column.notNull())
        .addColumn("url", "text", (column) => column.notNull())
        .addColumn("published_on", "text")
        .addColumn("hits", "text", (column) => column.notNull())
        .addPrimaryKeyConstraint("run_evidence_pk", ["run_id", "page"])
        .execute();
      // Whether a run still refers to a page is asked for each page of a removed run.
      await db.schema
        .createIndex("run_evidence_by_hash")
        .on("run_evidence")
        .column("hash")
        .execute();
    },
  },
  "0009-answers": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable("run_submissions")
        .addColumn("run_id", "text", (column) =>
          column.primaryKey().references("runs.run_id").onDelete("cascade"),
        )
        .addColumn("refused", "integer", (column) => column.notNull().defaultTo(0))
        .addColumn("queries", "text", (column) => column.notNull().defaultTo("[]"))
        .addColumn("shown", "integer", (column) => column.notNull().defaultTo(0))
        .addColumn("output", "text")
        .execute();
    },
  },
  "0010-costly-files": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable("costly_files")
        .addColumn("folder", "text", (column) => column.notNull())
        .addColumn("path", "text", (column) => column.notNull())
        .addColumn("modified_ms", "real", (column) => column.notNull())
        .addColumn("size_bytes", "integer", (column) => column.notNull())
        .addColumn("reason", "text", (column) => column.notNull())
        .addPrimaryKeyConstraint("costly_files_pk", ["folder", "path"])
        .execute();
    },
  },
};
