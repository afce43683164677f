import { sql } from "kysely";
import { formatTime } from "./entry.ts";
import type { GroupRequest, LedgerGroupRequest, LedgerRetry } from "./ledger.ts";
import type { LedgerDatabase } from "./schema.ts";

/** Writes the request down, unless its key is known: then the earlier one is the answer. */
export function rememberGroup(
  db: LedgerDatabase,
  scope: string,
  request: GroupRequest,
  nowMs: number,
): Promise<{ request: LedgerGroupRequest; isNew: boolean }> {
  return db.transaction().execute(async (trx) => {
    const { taskgroupId, idempotencyKey, fingerprint, size } = request;
    const earlier =
      idempotencyKey === null ? null : await findGroupRequest(trx, scope, idempotencyKey);
    if (earlier !== null) return { request: earlier, isNew: false };
    await trx
      .insertInto("group_requests")
      .values({
        scope,
        taskgroup_id: taskgroupId,
        idempotency_key: idempotencyKey,
        request_hash: fingerprint,
        size,
        created_ms: nowMs,
      })
      .execute();
    return { request: { ...request, createdAt: formatTime(nowMs) }, isNew: true };
  });
}

export async function findGroupRequest(
  db: LedgerDatabase,
  scope: string,
  idempotencyKey: string,
): Promise<LedgerGroupRequest | null> {
  const row = await db
    .selectFrom("group_requests")
    .selectAll()
    .where("scope", "=", scope)
    .where("idempotency_key", "=", idempotencyKey)
    .executeTakeFirst();
  if (row === undefined) return null;
  return {
    taskgroupId: row.taskgroup_id,
    idempotencyKey: row.idempotency_key,
    fingerprint: row.request_hash,
    size: row.size,
    createdAt: formatTime(row.created_ms),
  };
}

export async function listRetries(
  db: LedgerDatabase,
  scope: string,
  taskgroupId: string,
): Promise<LedgerRetry[]> {
  const rows = await db
    .selectFrom("entries")
    .select(["run_id", "retry_of", "status"])
    .where("scope", "=", scope)
    .where("taskgroup_id", "=", taskgroupId)
    .where("retry_of", "is not", null)
    .orderBy("id")
    .execute();
  return rows.flatMap(({ run_id: runId, retry_of: retryOf, status }) =>
    runId === null || retryOf === null ? [] : [{ runId, retryOf, status }],
  );
}

/** Finds, by run, the newest attempt at its input. A retry of a retry belongs to the first run too. */
export async function findRetriedAs(
  db: LedgerDatabase,
  scope: string,
  runIds: readonly string[],
): Promise<Map<string, LedgerRetry>> {
  if (runIds.length === 0) return new Map();
  const { rows } = await sql<LedgerRetry & { asked: string }>`
    with recursive attempt (asked, id, runId, retryOf, status) as (
      select value, 0, value, null, null from json_each(${JSON.stringify(runIds)})
      union
      select attempt.asked, entries.id, entries.run_id, entries.retry_of, entries.status
      from attempt cross join entries
      where entries.scope = ${scope} and entries.retry_of = attempt.runId
        and entries.run_id is not null
    )
    select asked, runId, retryOf, status from attempt where retryOf is not null order by id
  `.execute(db);
  return new Map(rows.map(({ asked, ...retry }) => [asked, retry]));
}
