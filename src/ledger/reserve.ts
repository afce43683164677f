import { sql } from "kysely";
import { cutText } from "../text/cut-text.ts";
import { jsonText } from "../text/json.ts";
import { type EntryRow, foldQuestion, readEntry, selectEntries } from "./entry.ts";
import { fingerprintRequest } from "./fingerprint-request.ts";
import {
  type LedgerEntry,
  type Reservation,
  type StartRunRequest,
  type SpendingLimits,
  UNKNOWN,
} from "./ledger.ts";
import type { LedgerDatabase } from "./schema.ts";
import type { ScopeIds } from "./scope.ts";
import { spentTodayMicros, toMicros, toUsd } from "./spending.ts";

/** Enough to recognise a question; a ledger is no archive of documents that were sent as input. */
const QUESTION_MAX_CHARS = 2_000;
// Well under the 32,766 parameters that SQLite takes.
const ROWS_PER_STATEMENT = 200;
const KEYS_PER_STATEMENT = 1_000;

type NewRow = ReturnType<typeof toRow>;

/**
 * Records runs that are about to be created, all or none. The checks and the writes are one transaction that holds the
 * write lock from its beginning, so two processes can neither both create the run of a key nor both spend the last
 * dollar.
 */
export async function reserve(
  db: LedgerDatabase,
  ids: ScopeIds,
  requests: readonly StartRunRequest[],
  limits: SpendingLimits,
  { nowMs, sender }: { nowMs: number; sender: string },
): Promise<Reservation> {
  // Hashing takes longest, so it is done before the lock is taken.
  const wanted = requests.map((request) => toRow(ids, request, { nowMs, sender }));
  return db.transaction().execute(async (trx): Promise<Reservation> => {
    const known = await findByKeys(trx, ids.scope, wanted);
    const firstId = await nextEntryId(trx);
    const fresh: (NewRow & { id: number })[] = [];
    const entries: { entry: LedgerEntry; isNew: boolean }[] = [];
    for (const [index, row] of wanted.entries()) {
      const key = row.idempotency_key;
      const earlier = key === null ? undefined : known.get(key);
      if (key !== null && earlier !== undefined && earlier.request_hash !== row.request_hash) {
        const entry = earlier.id < firstId ? readEntry(earlier, nowMs) : null;
        return { kind: "key_conflict", index, idempotencyKey: key, entry };
      }
      const taken = earlier ?? { ...row, id: firstId + fresh.length };
      entries.push({ entry: readEntry(taken, nowMs), isNew: earlier === undefined });
      if (earlier !== undefined) continue;
      fresh.push({ ...row, id: taken.id });
      if (key !== null) known.set(key, taken);
    }
    if (fresh.length === 0) return { kind: "reserved", entries };

    const asked = fresh.reduce((sum, { price_micros: price }) => sum + (price ?? 0), 0);
    const { budgetUsdPerDay, ownBudgetUsdPerDay } = limits;
    const excess =
      (await excessOver(budgetUsdPerDay, { account: ids.account })) ??
      (await excessOver(ownBudgetUsdPerDay, ids));
    if (excess !== null) return excess;
    for (const rows of chunksOf(fresh, ROWS_PER_STATEMENT)) {
      await trx.insertInto("entries").values(rows).execute();
    }
    return { kind: "reserved", entries };

    async function excessOver(
      budgetUsd: number | undefined,
      whose: { account: string; scope?: string },
    ): Promise<Reservation | null> {
      if (budgetUsd === undefined) return null;
      const spent = await spentTodayMicros(trx, whose, nowMs);
      if (spent + asked <= toMicros(budgetUsd)) return null;
      return { kind: "over_budget", spentUsd: toUsd(spent), askedUsd: toUsd(asked), budgetUsd };
    }
  });
}

function toRow(
  { account, scope }: ScopeIds,
  { input, priceUsd, idempotencyKey, taskgroupId = null, retryOf = null }: StartRunRequest,
  { nowMs, sender }: { nowMs: number; sender: string },
) {
  const question = keptQuestion(input.input);
  return {
    account,
    scope,
    run_id: null,
    taskgroup_id: taskgroupId,
    interaction_id: null,
    idempotency_key: idempotencyKey,
    retry_of: retryOf,
    request_hash: fingerprintRequest(input),
    question,
    question_folded: foldQuestion(question),
    processor: input.processor,
    sender,
    price_micros: priceUsd === null ? null : toMicros(priceUsd),
    status: UNKNOWN,
    is_active: 0,
    percent: null,
    messages: null,
    error: null,
    created_ms: nowMs,
    modified_ms: null,
    finished_ms: null,
    written_ms: nowMs,
  };
}

/** The beginning of an input as the ledger keeps it; of an object, of its JSON. */
export function keptQuestion(input: unknown): string {
  return cutText(typeof input === "string" ? input : jsonText(input), QUESTION_MAX_CHARS);
}

async function findByKeys(
  trx: LedgerDatabase,
  scope: string,
  wanted: readonly NewRow[],
): Promise<Map<string, EntryRow>> {
  const keys = wanted.flatMap(({ idempotency_key: key }) => (key === null ? [] : [key]));
  const known = new Map<string, EntryRow>();
  for (const chunk of chunksOf(keys, KEYS_PER_STATEMENT)) {
    const rows = await selectEntries(trx, scope).where("idempotency_key", "in", chunk).execute();
    for (const row of rows) if (row.idempotency_key !== null) known.set(row.idempotency_key, row);
  }
  return known;
}

/** Ids are given out here, under the lock, so that the rows are known before they are written. */
async function nextEntryId(trx: LedgerDatabase): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    select coalesce(max(seq), 0) + 1 as id from sqlite_sequence where name = 'entries'
  `.execute(trx);
  return rows[0]?.id ?? 1;
}

/** Cuts a list into lists of at most `size`. */
function chunksOf<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
