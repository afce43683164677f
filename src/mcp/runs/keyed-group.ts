import { fingerprintRequest } from "../../ledger/fingerprint-request.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import type { TaskGroupMetadata } from "../../task-api/task-group.ts";
import type { TaskSpec } from "../../task-api/task-spec.ts";
import type { Backend } from "./backend.ts";
import { keyConflict } from "./start-run.ts";

/** What a key of a group stands for. */
export interface KeyedOrder {
  /** Undefined: a new group. */
  taskgroupId: string | undefined;
  inputs: readonly RunInput[];
  /** For inputs that have no spec of their own. */
  defaultTaskSpec: TaskSpec | undefined;
  /** Of a new group. */
  metadata: TaskGroupMetadata | undefined;
  /** The same key means the same group. */
  idempotencyKey: string | undefined;
}

/** The group that a key stands for already; null when it is free. Throws `InvalidArguments` when it belongs to another request. */
export async function findKeyedGroup(
  order: KeyedOrder,
  { ledger }: Pick<Backend, "ledger">,
): Promise<string | null> {
  const { idempotencyKey } = order;
  if (idempotencyKey === undefined) return null;
  const earlier = await ledger.findGroupRequest(idempotencyKey);
  return earlier === null ? null : sameGroup(earlier, fingerprintOf(order));
}

export function fingerprintOf({
  taskgroupId,
  inputs,
  defaultTaskSpec,
  metadata,
}: KeyedOrder): string {
  return fingerprintRequest([taskgroupId, inputs, defaultTaskSpec, metadata]);
}

export function sameGroup(
  request: { taskgroupId: string; fingerprint: string },
  fingerprint: string,
): string {
  if (request.fingerprint === fingerprint) return request.taskgroupId;
  throw keyConflict(`group ${request.taskgroupId}`);
}
