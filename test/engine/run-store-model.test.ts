import fc from "fast-check";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/database/open-database.ts";
import { createSqliteRunStore } from "../../src/engine/runs/sqlite/sqlite-run-store.ts";
import type { RunInput } from "../../src/task-api/run-input.ts";
import { load } from "../load.ts";
import { expectRunInvariants } from "./run-invariants.ts";
import { clockAt, silentLog, textResult } from "./start-test-engine.ts";

const MAX_ATTEMPTS = 2;
const LEASE_MS = 30_000;
const ACTION_MS = 60_000;

/** The state machine as a table, without a database: what the real one is held against. */
interface ModelRun {
  status: string;
  attempt: number;
  owner: string | null;
  leaseUntil: number;
  actionUntil: number;
  refused: number;
}

const owners = ["a", "b"] as const;
// Two runs are enough for one to disturb the other, and few enough that most steps meet one.
const runNumber = fc.nat({ max: 1 });
const step = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("accept" as const), webhook: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("claim" as const), owner: fc.constantFrom(...owners) }),
  },
  // A worker acts on the lease it has, or on one that it lost or never had.
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "progress" as const,
        "complete" as const,
        "fail" as const,
        "acknowledge" as const,
        "release" as const,
        "requireAction" as const,
      ),
      run: runNumber,
      strange: fc.option(
        fc.record({ owner: fc.constantFrom(...owners), attempt: fc.integer({ min: 1, max: 2 }) }),
        { freq: 2 },
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("cancel" as const), run: runNumber }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("submit" as const, "refuse" as const),
      run: runNumber,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.constantFrom(1_000, LEASE_MS + 1, ACTION_MS + 1),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("recover" as const),
      gone: fc.constantFrom(...owners, null),
    }),
  },
);

test("whatever workers, callers and crashes do, runs change as the table says and in no other way", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const db = await openDatabase(":memory:");
      let now = 1_000_000_000;
      const runs = await createSqliteRunStore({ db, clock: clockAt(() => now), log: silentLog });
      try {
        const ids: string[] = [];
        const model = new Map<string, ModelRun>();

        for (const current of steps) {
          const at = now;
          switch (current.do) {
            case "accept": {
              const input: RunInput = {
                input: "q",
                processor: "base",
                ...(current.webhook && {
                  webhook: { url: "https://example.com/hook", event_types: ["task_run.status"] },
                }),
              };
              const [run] = await runs.accept([
                { input, tenantId: "t", taskgroupId: null, executorKey: "x", warnings: [] },
              ]);
              const id = run?.runId ?? "";
              ids.push(id);
              model.set(id, {
                status: "queued",
                attempt: 0,
                owner: null,
                leaseUntil: 0,
                actionUntil: 0,
                refused: 0,
              });
              now += 1;
              break;
            }
            case "claim": {
              const claimed = await runs.claim({
                executorKey: "x",
                owner: current.owner,
                leaseMs: LEASE_MS,
                limit: 1,
              });
              const expected = ids.find((id) => model.get(id)?.status === "queued");
              expect(claimed.map(({ runId }) => runId)).toEqual(expected ? [expected] : []);
              const run = expected && model.get(expected);
              if (run) {
                Object.assign(run, {
                  status: "running",
                  attempt: run.attempt + 1,
                  owner: current.owner,
                  leaseUntil: at + LEASE_MS,
                });
              }
              break;
            }
            case "cancel": {
              const id = ids[current.run];
              const run = id === undefined ? undefined : model.get(id);
              const answer = await runs.cancel(id ?? "trun_unknown");
              expect(answer === undefined).toBe(run === undefined);
              if (!run) break;
              if (run.status === "queued" || run.status === "action_required")
                run.status = "cancelled";
              else if (run.status === "running") run.status = "cancelling";
              else if (run.status !== "cancelling") expect(answer?.alreadyFinished).toBe(true);
              expect(answer?.run.status).toBe(run.status);
              break;
            }
            case "submit":
            case "refuse": {
              const id = ids[current.run] ?? "trun_unknown";
              const run = model.get(id);
              const isWaiting = run?.status === "action_required";
              if (current.do === "submit") {
                expect(await runs.submissions.submit(id, { queries: ["q"], shown: 1 })).toBe(
                  isWaiting,
                );
                if (isWaiting) run.status = "queued";
              } else {
                const limit = { max: 1, error: { message: "x" } };
                expect(await runs.submissions.refuse(id, limit)).toBe(
                  isWaiting ? run.refused + 1 : undefined,
                );
                if (isWaiting) Object.assign(run, { status: "failed", refused: run.refused + 1 });
              }
              break;
            }
            case "pass":
              now += current.ms;
              break;
            case "recover":
              await runs.recover({
                maxAttempts: MAX_ATTEMPTS,
                ownerIsGone: (owner) => owner === current.gone,
                refId: () => "ref",
              });
              await runs.failUnanswered(() => "ref");
              for (const run of model.values()) {
                const isLost = run.leaseUntil < at || run.owner === current.gone;
                if (run.status === "cancelling" && isLost) run.status = "cancelled";
                else if (run.status === "running" && isLost) {
                  run.status = run.attempt < MAX_ATTEMPTS ? "queued" : "failed";
                } else if (run.status === "action_required" && run.actionUntil < at) {
                  run.status = "failed";
                }
              }
              break;
            default: {
              const id = ids[current.run] ?? "trun_unknown";
              const run = model.get(id);
              const own = { owner: run?.owner ?? "a", attempt: run?.attempt ?? 1 };
              const lease = { runId: id, ...(current.strange ?? own) };
              const holds = run?.owner === lease.owner && run.attempt === lease.attempt;
              const isRunning = holds && run.status === "running";
              const isCancelling = holds && run.status === "cancelling";
              switch (current.do) {
                case "progress":
                  expect(
                    await runs.appendProgress(lease, [{ type: "task_run.progress_stats" }]),
                  ).toBe(isRunning || isCancelling);
                  break;
                case "complete":
                  expect(
                    await runs.finish(lease, { status: "completed", ...textResult("x") }),
                  ).toBe(isRunning);
                  if (isRunning) run.status = "completed";
                  break;
                case "fail":
                  expect(
                    await runs.finish(lease, { status: "failed", error: { message: "x" } }),
                  ).toBe(isRunning);
                  if (isRunning) run.status = "failed";
                  break;
                case "acknowledge":
                  expect(await runs.acknowledgeCancel(lease)).toBe(isCancelling);
                  if (isCancelling) run.status = "cancelled";
                  break;
                case "release":
                  expect(await runs.release(lease)).toBe(isRunning);
                  if (isRunning) Object.assign(run, { status: "queued", attempt: run.attempt - 1 });
                  break;
                case "requireAction":
                  expect(
                    await runs.requireAction(lease, {
                      untilMs: at + ACTION_MS,
                      warnings: [],
                      takesAnswer: true,
                    }),
                  ).toBe(isRunning);
                  if (isRunning) {
                    Object.assign(run, {
                      status: "action_required",
                      attempt: run.attempt - 1,
                      actionUntil: at + ACTION_MS,
                    });
                  }
                  break;
              }
            }
          }
          for (const run of model.values()) {
            if (run.status !== "running" && run.status !== "cancelling") run.owner = null;
          }
        }

        for (const [id, { status, attempt }] of model) {
          expect(await runs.find(id)).toMatchObject({ status, attempt });
        }
        await expectRunInvariants(db, MAX_ATTEMPTS);
      } finally {
        await runs.close();
      }
    }),
    { numRuns: load({ full: 120, short: 25 }) },
  );
}, 120_000);
