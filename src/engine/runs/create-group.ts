import { randomBytes } from "node:crypto";
import type { Transaction } from "kysely";
import type { DatabaseSchema } from "../../database/schema.ts";
import type { TaskGroupMetadata } from "../../task-api/task-group.ts";

/** Writes a new, empty group of a tenant; answers with its id. */
export async function createGroup(
  trx: Transaction<DatabaseSchema>,
  { tenantId, metadata }: { tenantId: string; metadata: TaskGroupMetadata },
  at: string,
): Promise<string> {
  const taskgroupId = `tgrp_${randomBytes(16).toString("hex")}`;
  await trx
    .insertInto("task_groups")
    .values({
      taskgroup_id: taskgroupId,
      tenant_id: tenantId,
      metadata: JSON.stringify(metadata),
      created_at: at,
    })
    .execute();
  return taskgroupId;
}
