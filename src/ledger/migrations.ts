import { type Kysely, type Migration, sql } from "kysely";

/** The ledger's schema, step by step; keys are applied in order and never change once released. */
export const ledgerMigrations: Record<string, Migration> = {
  "0001-ledger": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable("entries")
        .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
        .addColumn("account", "text", (column) => column.notNull())
        .addColumn("scope", "text", (column) => column.notNull())
        .addColumn("run_id", "text")
        .addColumn("taskgroup_id", "text")
        .addColumn("interaction_id", "text")
        .addColumn("idempotency_key", "text")
        .addColumn("request_hash", "text", (column) => column.notNull())
        .addColumn("question", "text", (column) => column.notNull())
        .addColumn("question_folded", "text", (column) => column.notNull())
        .addColumn("processor", "text", (column) => column.notNull())
        .addColumn("price_micros", "integer")
        .addColumn("status", "text", (column) => column.notNull())
        .addColumn("is_active", "integer", (column) => column.notNull())
        .addColumn("percent", "real")
        .addColumn("messages", "text")
        .addColumn("error", "text")
        .addColumn("created_ms", "integer", (column) => column.notNull())
        .addColumn("modified_ms", "integer")
        .addColumn("finished_ms", "integer")
        .addColumn("written_ms", "integer", (column) => column.notNull())
        .addUniqueConstraint("entries_by_run", ["scope", "run_id"])
        .addUniqueConstraint("entries_by_key", ["scope", "idempotency_key"])
        .execute();
      await db.schema
        .createIndex("entries_by_order")
        .on("entries")
        .columns(["scope", "id"])
        .execute();
      // Few are active among many that ended.
      await db.schema
        .createIndex("entries_active")
        .on("entries")
        .columns(["scope", "id"])
        .where(sql.ref("is_active"), "=", sql.lit(1))
        .execute();
      await db.schema
        .createIndex("entries_by_status")
        .on("entries")
        // The price is included so that sums need only the index.
        .columns(["scope", "status", "id", "price_micros"])
        .execute();
      await db.schema
        .createIndex("entries_by_group")
        .on("entries")
        .columns(["scope", "taskgroup_id", "id"])
        .execute();
      // An index for the sum of a day.
      await db.schema
        .createIndex("entries_by_time")
        .on("entries")
        .columns(["account", "created_ms", "scope", "status", "price_micros"])
        .execute();
      await db.schema.createIndex("entries_by_age").on("entries").columns(["written_ms"]).execute();
      await db.schema
        .createTable("outputs")
        .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
        .addColumn("entry_id", "integer", (column) =>
          column.notNull().unique().references("entries.id").onDelete("cascade"),
        )
        .addColumn("bytes", "integer", (column) => column.notNull())
        .addColumn("json", "text", (column) => column.notNull())
        .execute();
      // The sum of all sizes is read from the index, not from among the outputs.
      await db.schema.createIndex("outputs_by_size").on("outputs").columns(["bytes"]).execute();
      await db.schema
        .createTable("group_requests")
        .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
        .addColumn("scope", "text", (column) => column.notNull())
        .addColumn("taskgroup_id", "text", (column) => column.notNull())
        .addColumn("idempotency_key", "text")
        .addColumn("request_hash", "text", (column) => column.notNull())
        .addColumn("size", "integer", (column) => column.notNull())
        .addColumn("created_ms", "integer", (column) => column.notNull())
        .addUniqueConstraint("group_requests_by_key", ["scope", "idempotency_key"])
        .execute();
      await db.schema
        .createIndex("group_requests_by_group")
        .on("group_requests")
        .columns(["scope", "taskgroup_id"])
        .execute();
      await db.schema
        .createTable("removed_spending")
        .addColumn("scope", "text", (column) => column.primaryKey())
        .addColumn("micros", "integer", (column) => column.notNull())
        .execute();
    },
  },
  "0002-sender": {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable("entries").addColumn("sender", "text").execute();
    },
  },
  "0003-retries": {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable("entries").addColumn("retry_of", "text").execute();
      // Few of a group's runs are retries: these are read without the others.
      await db.schema
        .createIndex("entries_retries")
        .on("entries")
        .columns(["scope", "taskgroup_id", "id"])
        .where(sql.ref("retry_of"), "is not", null)
        .execute();
      // Which run runs a failed one again.
      await db.schema
        .createIndex("entries_retried_as")
        .on("entries")
        .columns(["scope", "retry_of"])
        .where(sql.ref("retry_of"), "is not", null)
        .execute();
    },
  },
  "0004-same-requests": {
    async up(db: Kysely<unknown>) {
      // Indexes to find earlier runs of the same question, and the run that a follow-up is about.
      await db.schema
        .createIndex("entries_by_request")
        .on("entries")
        .columns(["scope", "request_hash", "id"])
        .execute();
      await db.schema
        .createIndex("entries_by_interaction")
        .on("entries")
        .columns(["scope", "interaction_id"])
        .where(sql.ref("interaction_id"), "is not", null)
        .execute();
      // An index to find the owner of a run of the account.
      await db.schema
        .createIndex("entries_by_account_run")
        .on("entries")
        .columns(["account", "run_id"])
        .where(sql.ref("run_id"), "is not", null)
        .execute();
    },
  },
  "0005-spending-totals": {
    async up(db: Kysely<unknown>) {
      // The total cost of all entries of a scope, stored as one number: adding them up takes longer with each entry.
      await db.schema
        .createTable("spending_totals")
        .addColumn("scope", "text", (column) => column.primaryKey())
        .addColumn("micros", "integer", (column) => column.notNull())
        .execute();
      const cost = (row: string) =>
        `iif(${row}.status in ('failed', 'cancelled'), 0, coalesce(${row}.price_micros, 0))`;
      const add = (row: string, micros: string) =>
        `update spending_totals set micros = micros + ${micros} where scope = ${row}.scope;`;
      await sql`insert into spending_totals
        select scope, sum(${sql.raw(cost("entries"))}) from entries group by scope`.execute(db);
      // Triggers keep the total correct however an entry is written.
      await sql`create trigger entries_spending_insert after insert on entries begin
        insert or ignore into spending_totals values (new.scope, 0);
        ${sql.raw(add("new", cost("new")))} end`.execute(db);
      await sql`create trigger entries_spending_update after update of status, price_micros on entries begin
        ${sql.raw(add("new", `${cost("new")} - ${cost("old")}`))} end`.execute(db);
      await sql`create trigger entries_spending_delete after delete on entries begin
        ${sql.raw(add("old", `-${cost("old")}`))} end`.execute(db);
    },
  },
};
