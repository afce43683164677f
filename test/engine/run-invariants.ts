import { expect } from "vitest";
import type { Database } from "../../src/database/open-database.ts";
import { readEvents } from "../../src/engine/runs/sqlite/event-log.ts";
import { isTerminalStatus } from "../../src/task-api/run.ts";

/** The table of legal transitions: what may follow each status. */
export const LEGAL_TRANSITIONS: Readonly<Record<string, readonly string[]>> = {
  queued: ["running", "cancelled"],
  running: ["queued", "action_required", "cancelling", "completed", "failed"],
  action_required: ["queued", "failed", "cancelled"],
  cancelling: ["cancelled"],
  completed: [],
  failed: [],
  cancelled: [],
};

/**
 * What must hold for every run of a database, whatever happened to the processes that wrote it: events without gaps,
 * legal transitions only, one ending at most, the row in the status of its last event, one webhook for an ending that
 * has one, and each run that completed or may complete counted once against the budget.
 */
export async function expectRunInvariants(db: Database, maxAttempts: number): Promise<void> {
  const runs = await db.selectFrom("runs").selectAll().execute();
  for (const run of runs) {
    const events = await readEvents(db, run.run_id, 0);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
    const statuses = events.flatMap((event) => (event.kind === "state" ? [event.status] : []));
    expect(statuses.at(0)).toBe("queued");
    expect(statuses.at(-1)).toBe(run.status);
    for (const [index, status] of statuses.slice(1).entries()) {
      expect(LEGAL_TRANSITIONS[statuses[index] ?? ""]).toContain(status);
    }
    const endings = statuses.filter(isTerminalStatus);
    expect(endings.length).toBeLessThanOrEqual(1);
    expect(events.at(-1)?.kind === "state" || endings.length === 0).toBe(true);
    expect(run.attempt).toBeLessThanOrEqual(maxAttempts);
    expect(run.output !== null).toBe(run.status === "completed");
    expect(run.error !== null).toBe(run.status === "failed");
    expect(run.lease_owner !== null).toBe(run.status === "running" || run.status === "cancelling");
    const webhooks = await db
      .selectFrom("webhook_deliveries")
      .select("webhook_id")
      .where("run_id", "=", run.run_id)
      .execute();
    expect(webhooks).toHaveLength(run.has_webhook === 1 ? endings.length : 0);
  }
  const spending = await db.selectFrom("tenant_spending").select("spent_usd").execute();
  const billable = runs.filter(({ status }) => status !== "failed" && status !== "cancelled");
  expect(spending.reduce((sum, { spent_usd: usd }) => sum + usd, 0)).toBeCloseTo(
    billable.reduce((sum, { price_usd: usd }) => sum + usd, 0),
  );
}
