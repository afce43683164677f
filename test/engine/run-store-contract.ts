import { describe, expect, test } from "vitest";
import type { NewRun } from "../../src/engine/runs/new-run.ts";
import type { RunStore } from "../../src/engine/runs/run-store.ts";
import { BudgetExceeded, QuotaExceeded } from "../../src/engine/tenants/admission.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import type { RunInput } from "../../src/task-api/run-input.ts";
import { clockAt, textResult } from "./start-test-engine.ts";

/** A database that several processes may open; everything is closed when the test ends. */
export interface SharedDatabase {
  /** The store as one more process has it. */
  open(clock: Clock): Promise<RunStore>;
}

const LEASE_MS = 30_000;
const DAY_MS = 24 * 3_600_000;
const HOOK = "https://receiver.example/hook";
const recovery = { maxAttempts: 2, ownerIsGone: () => false, refId: () => "ref" };
const claimOf = (owner: string, limit = 10) => ({
  executorKey: "x",
  owner,
  leaseMs: LEASE_MS,
  limit,
});
const newRun = (input: Partial<RunInput> = {}, rest: Partial<NewRun> = {}): NewRun => ({
  input: { input: "q", processor: "base", ...input },
  tenantId: "t",
  taskgroupId: null,
  executorKey: "x",
  warnings: [],
  ...rest,
});
const withWebhook = newRun({ webhook: { url: HOOK, event_types: ["task_run.status"] } });
const completed = { status: "completed" as const, ...textResult("done") };
const waiting = (untilMs: number) => ({ untilMs, warnings: [], takesAnswer: true });
const plan = (message: string) => ({ type: "task_run.progress_msg.plan" as const, message });

/** What every implementation of the run store does. The transitions in all orders are in `run-store-model.test.ts`. */
export function describeRunStore(name: string, create: () => Promise<SharedDatabase>): void {
  /** A store under a time that the test sets. */
  async function openStore() {
    const time = { now: Date.parse("2026-11-24T12:00:00Z") };
    const clock = clockAt(() => time.now);
    const shared = await create();
    const runs = await shared.open(clock);

    async function accept(...newRuns: NewRun[]): Promise<string[]> {
      time.now += 1;
      return (await runs.accept(newRuns)).map((run) => run.runId);
    }

    async function claimOne(owner = "me") {
      const [claimed] = await runs.claim(claimOf(owner, 1));
      if (claimed === undefined) throw new Error("nothing to claim");
      return claimed;
    }

    async function createGroup() {
      const { taskgroupId } = await runs.groups.create({ tenantId: "t", metadata: { a: "b" } });
      return { tenantId: "t", taskgroupId };
    }

    const log = async (runId: string) =>
      (await runs.readEvents(runId, 0)).map((event) =>
        event.kind === "state" ? event.status : event.event.type,
      );
    const statusOf = async (runId: string) => (await runs.find(runId))?.status;
    const openAnother = () => shared.open(clock);
    return { time, runs, accept, claimOne, createGroup, log, statusOf, openAnother };
  }

  describe(name, () => {
    test("runs are claimed in the order they were accepted, each by one worker", async () => {
      const { runs, accept, openAnother } = await openStore();
      const ids = await accept(newRun(), newRun(), newRun());
      await accept(newRun({}, { executorKey: "another" }));
      const other = await openAnother();
      const claims = await Promise.all([runs.claim(claimOf("a", 2)), other.claim(claimOf("b", 2))]);
      expect(new Set(claims.map((claimed) => claimed.length))).toEqual(new Set([1, 2]));
      expect(
        claims
          .flat()
          .map(({ runId }) => runId)
          .toSorted(),
      ).toEqual(ids.toSorted());
      for (const claimed of claims) {
        const places = claimed.map(({ runId }) => ids.indexOf(runId));
        expect(places).toEqual(places.toSorted((a, b) => a - b));
      }
      expect(claims.flat().every(({ attempt }) => attempt === 1)).toBe(true);
    });

    test("a finished run has its output, its steps and its end in the log, and never changes again", async () => {
      const { runs, accept, claimOne, log, statusOf } = await openStore();
      const [runId = ""] = await accept(newRun());
      const lease = await claimOne();
      expect(await runs.appendProgress(lease, [plan("one"), plan("two")])).toBe(true);
      expect(await runs.finish(lease, completed, [plan("three")])).toBe(true);
      expect(await log(runId)).toEqual([
        "queued",
        "running",
        ...Array.from({ length: 3 }, () => "task_run.progress_msg.plan"),
        "completed",
      ]);
      expect((await runs.readEvents(runId, 0)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
      expect((await runs.readEvents(runId, 4)).map(({ seq }) => seq)).toEqual([5, 6]);
      expect(await runs.find(runId)).toMatchObject({ output: completed.output, attempt: 1 });
      expect(await runs.finish(lease, completed)).toBe(false);
      expect(await runs.release(lease)).toBe(false);
      expect(await runs.cancel(runId)).toMatchObject({ alreadyFinished: true });
      expect(await statusOf(runId)).toBe("completed");
    });

    test("a worker that lost its lease writes nothing", async () => {
      const { time, runs, accept, claimOne, log, statusOf } = await openStore();
      const [runId = ""] = await accept(newRun());
      const lost = await claimOne("first");
      time.now += LEASE_MS + 1;
      expect(await runs.recover(recovery)).toBe(1);
      const lease = await claimOne("second");
      expect(await runs.heldStatus(lost)).toBeUndefined();
      expect(await runs.appendProgress(lost, [plan("late")])).toBe(false);
      expect(await runs.finish(lost, completed)).toBe(false);
      expect(await runs.retryLater(lost, time.now)).toBe(false);
      expect(await runs.requireAction(lost, waiting(time.now))).toBe(false);
      expect(await log(runId)).toEqual(["queued", "running", "queued", "running"]);
      expect(await runs.heldStatus(lease)).toBe("running");
      expect(await statusOf(runId)).toBe("running");
    });

    test("renewing keeps a lease, and tells which runs are cancelled or gone", async () => {
      const { time, runs, accept, claimOne } = await openStore();
      const ids = await accept(newRun(), newRun(), newRun());
      for (const _ of ids) await claimOne();
      await runs.cancel(ids[1] ?? "");
      time.now += LEASE_MS - 1;
      const renewed = await runs.renew("me", ids.slice(0, 2), LEASE_MS);
      expect(renewed).toEqual(
        new Map([
          [ids[0], "running"],
          [ids[1], "cancelling"],
        ]),
      );
      expect(await runs.renew("another", ids, LEASE_MS)).toEqual(new Map());
      time.now += 2;
      expect(await runs.recover(recovery)).toBe(1);
      expect((await runs.renew("me", ids, LEASE_MS)).has(ids[2] ?? "")).toBe(false);
    });

    test("a run is lost when its lease expired or its process has surely ended, and fails after two attempts", async () => {
      const { runs, accept, claimOne, statusOf } = await openStore();
      const [runId = ""] = await accept(newRun());
      await claimOne("gone");
      expect(await runs.recover(recovery)).toBe(0);
      const isGone = { ...recovery, ownerIsGone: (owner: string) => owner === "gone" };
      expect(await runs.recover(isGone)).toBe(1);
      expect(await statusOf(runId)).toBe("queued");
      await claimOne("gone");
      expect(await runs.recover(isGone)).toBe(1);
      expect(await runs.find(runId)).toMatchObject({
        status: "failed",
        error: { ref_id: "ref", message: expect.stringContaining("lost 2 times") },
      });
    });

    test("a run to be retried later is not claimed before its time, and the attempt does not count", async () => {
      const { time, runs, accept, claimOne, statusOf, openAnother } = await openStore();
      const [runId = ""] = await accept(newRun());
      for (let round = 0; round < 3; round += 1) {
        const lease = await claimOne();
        expect(lease.attempt).toBe(1);
        expect(await runs.retryLater(lease, time.now + 60_000)).toBe(true);
        expect(await statusOf(runId)).toBe("queued");
        const [next = ""] = await accept(newRun());
        // It stands in the way of none that is ready.
        expect((await claimOne()).runId).toBe(next);
        const restarted = await openAnother();
        expect(await restarted.claim(claimOf("me"))).toEqual([]);
        time.now += 60_000;
      }
      expect((await claimOne()).runId).toBe(runId);
    });

    test("a run that waits for its time is cancelled at once", async () => {
      const { time, runs, accept, claimOne, statusOf } = await openStore();
      const [runId = ""] = await accept(newRun());
      await runs.retryLater(await claimOne(), time.now + 60_000);
      expect(await runs.cancel(runId)).toMatchObject({ alreadyFinished: false });
      time.now += 60_001;
      expect(await runs.claim(claimOf("me"))).toEqual([]);
      expect(await statusOf(runId)).toBe("cancelled");
    });

    test("cancelling ends a waiting run at once and a running one when its worker says so", async () => {
      const { runs, accept, claimOne, log } = await openStore();
      const [running = "", queued = ""] = await accept(newRun(), newRun());
      const lease = await claimOne();
      expect((await runs.cancel(queued))?.run.status).toBe("cancelled");
      expect((await runs.cancel(running))?.run.status).toBe("cancelling");
      expect(await runs.cancel(running)).toMatchObject({ alreadyFinished: false });
      expect(await runs.appendProgress(lease, [plan("before it stopped")])).toBe(true);
      expect(await runs.finish(lease, completed)).toBe(false);
      expect(await runs.acknowledgeCancel(lease)).toBe(true);
      expect((await log(running)).at(-1)).toBe("cancelled");
      expect(await runs.cancel("trun_unknown")).toBeUndefined();
    });

    test("a run without the answer it waits for fails after its deadline", async () => {
      const { time, runs, accept, claimOne } = await openStore();
      const [runId = ""] = await accept(newRun());
      const warnings = [{ type: "warning", message: "needs an answer", detail: null }];
      expect(
        await runs.requireAction(await claimOne(), { ...waiting(time.now + 1_000), warnings }),
      ).toBe(true);
      expect(await runs.find(runId)).toMatchObject({ status: "action_required", warnings });
      expect(await runs.failUnanswered(() => "ref")).toBe(0);
      time.now += 1_001;
      expect(await runs.failUnanswered(() => "ref")).toBe(1);
      expect(await runs.find(runId)).toMatchObject({ status: "failed", error: { ref_id: "ref" } });
    });

    test("an answer brings a waiting run back to the queue, once", async () => {
      const { time, runs, accept, claimOne, log } = await openStore();
      const [runId = ""] = await accept(newRun());
      const asking = {
        ...waiting(time.now + 1_000),
        warnings: [
          { type: "warning", message: "of before", detail: null },
          { type: "warning", message: "needs an answer", detail: null },
        ],
      };
      expect(await runs.submissions.find(runId)).toBeUndefined();
      expect(await runs.submissions.submit(runId, { queries: ["too early"], shown: 2 })).toBe(
        false,
      );
      expect(await runs.requireAction(await claimOne(), asking)).toBe(true);
      expect(await runs.submissions.find(runId)).toEqual({
        refused: 0,
        queries: [],
        shown: 0,
        output: null,
        untilMs: time.now + 1_000,
      });
      const queries = await Promise.all(
        ["one", "two"].map((query) =>
          runs.submissions.submit(runId, { queries: [query], shown: 2 }),
        ),
      );
      expect(queries.filter((isTaken) => isTaken)).toHaveLength(1);
      expect(await runs.find(runId)).toMatchObject({ status: "queued", attempt: 0 });
      expect((await runs.find(runId))?.warnings.map(({ message }) => message)).toEqual([
        "of before",
      ]);
      expect(await runs.requireAction(await claimOne(), asking)).toBe(true);
      const { output } = textResult("the answer");
      expect(await runs.submissions.submit(runId, { output })).toBe(true);
      expect(await runs.submissions.submit(runId, { output: textResult("late").output })).toBe(
        false,
      );
      const found = await runs.submissions.find(runId);
      expect(found).toMatchObject({ output, untilMs: null });
      expect(found?.queries).toHaveLength(1);
      expect((await log(runId)).at(-1)).toBe("queued");
    });

    test("so many refused answers end a run, and none is taken where none was asked for", async () => {
      const { time, runs, accept, claimOne } = await openStore();
      const [runId = "", other = ""] = await accept(newRun(), newRun());
      const limit = { max: 2, error: { ref_id: "ref", message: "wrong twice", detail: null } };
      expect(await runs.submissions.refuse(runId, limit)).toBeUndefined();
      await runs.requireAction(await claimOne(), waiting(time.now + 1_000));
      await runs.requireAction(await claimOne(), {
        ...waiting(time.now + 1_000),
        takesAnswer: false,
      });
      expect(await runs.submissions.refuse(runId, limit)).toBe(1);
      expect(await runs.find(runId)).toMatchObject({ status: "action_required" });
      expect(await runs.submissions.refuse(runId, limit)).toBe(2);
      expect(await runs.find(runId)).toMatchObject({ status: "failed", error: limit.error });
      expect(await runs.submissions.refuse(runId, limit)).toBeUndefined();
      expect(await runs.submissions.submit(runId, { queries: ["late"], shown: 2 })).toBe(false);
      expect(await runs.submissions.submit(other, { queries: ["not asked"], shown: 2 })).toBe(
        false,
      );
      expect(await runs.find(other)).toMatchObject({ status: "action_required" });
    });

    test("a page of runs is the newest first, and the next page goes on where it ended", async () => {
      const { runs, accept } = await openStore();
      const ids = await accept(newRun(), newRun(), newRun());
      await accept(newRun({}, { tenantId: "another" }));
      const first = await runs.list({ tenantId: "t", limit: 2 });
      expect(first.runs.map(({ runId }) => runId)).toEqual([ids[2], ids[1]]);
      const cursor = first.nextCursor ?? undefined;
      const second = await runs.list({ tenantId: "t", limit: 2, cursor });
      expect(second.runs.map(({ runId }) => runId)).toEqual([ids[0]]);
      expect(second.nextCursor).toBeNull();
      await runs.cancel(ids[0] ?? "");
      const cancelled = await runs.list({ tenantId: "t", status: "cancelled", limit: 2 });
      expect(cancelled.runs.map(({ runId }) => runId)).toEqual([ids[0]]);
      const found = await runs.findMany([...ids, "trun_unknown"], { withOutput: false });
      expect([...found.keys()].toSorted()).toEqual(ids.toSorted());
    });

    test("a conversation is read from its beginning, and only the tenant's own", async () => {
      const { runs, accept, claimOne } = await openStore();
      const [first = ""] = await accept(newRun({ input: "one" }));
      await runs.finish(await claimOne(), completed);
      const [second = ""] = await accept(newRun({ input: "two", previous_interaction_id: first }));
      await runs.finish(await claimOne(), completed);
      const turns = await runs.readConversation("t", second);
      expect(turns.map(({ input }) => input)).toEqual(["one", "two"]);
      expect(await runs.readConversation("another", second)).toEqual([]);
      expect(await runs.findInteraction("another", first)).toBeUndefined();
    });

    test("a tenant's budget and quota hold, also for creates at the same moment", async () => {
      const { time, runs } = await openStore();
      const priced = [newRun({}, { priceUsd: 1 })];
      const budget = { id: "t", budgetUsd: 2, createsPerMinute: null };
      const creates = await Promise.allSettled(
        Array.from({ length: 4 }, () => runs.accept(priced, { tenant: budget })),
      );
      expect(creates.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
      await expect(runs.accept(priced, { tenant: budget })).rejects.toThrow(BudgetExceeded);
      // Only completed runs are billed.
      const { runs: accepted } = await runs.list({ tenantId: "t", limit: 10 });
      await runs.cancel(accepted[0]?.runId ?? "");
      await runs.accept(priced, { tenant: budget });

      const quota = { id: "t", budgetUsd: null, createsPerMinute: 4 };
      await runs.accept(priced, { tenant: quota });
      await expect(runs.accept(priced, { tenant: quota })).rejects.toThrow(QuotaExceeded);
      time.now += 60_001;
      await runs.accept(priced, { tenant: quota });
    });

    test("an answer is kept with what it tells of, once for a key, for a day", async () => {
      const { time, runs } = await openStore();
      const answerTo = (requestHash: string) => ({
        tenantId: "t",
        key: "k",
        requestHash,
        status: 202 as const,
        body: { told: requestHash },
      });
      await runs.accept([newRun()], { keep: () => answerTo("first") });
      expect(await runs.answers.find("t", "k")).toEqual(answerTo("first"));
      expect(await runs.answers.find("another", "k")).toBeUndefined();
      // The second is refused, with its runs.
      await expect(runs.accept([newRun()], { keep: () => answerTo("second") })).rejects.toThrow();
      expect((await runs.list({ tenantId: "t", limit: 10 })).runs).toHaveLength(1);
      time.now += DAY_MS;
      expect(await runs.answers.find("t", "k")).toBeUndefined();
      await runs.answers.keep(answerTo("third"));
      time.now += DAY_MS;
      expect(await runs.expired.removeAnswers()).toBe(1);
      expect(await runs.expired.removeAnswers()).toBe(0);
    });

    test("a group counts its runs, and is seen by its tenant only", async () => {
      const { runs, claimOne, createGroup } = await openStore();
      const group = await createGroup();
      expect(await runs.groups.find("t", group.taskgroupId)).toMatchObject({
        metadata: { a: "b" },
        status: { num_task_runs: 0, is_active: false },
      });
      const ofGroup = newRun({}, { taskgroupId: group.taskgroupId });
      const first = await runs.groups.addRuns(group, [ofGroup, ofGroup]);
      expect(first).toMatchObject({ before: null, group: { status: { num_task_runs: 2 } } });
      const position = first?.group.position ?? 0;
      const second = await runs.groups.addRuns(group, [ofGroup]);
      expect(second?.before).toBe(position);
      await runs.finish(await claimOne(), completed);
      expect((await runs.groups.find("t", group.taskgroupId))?.status).toMatchObject({
        num_task_runs: 3,
        task_run_status_counts: { completed: 1, queued: 2 },
        is_active: true,
      });
      expect(await runs.groups.find("another", group.taskgroupId)).toBeUndefined();
      expect(await runs.groups.exists("another", group.taskgroupId)).toBe(false);
      const stranger = { ...group, tenantId: "another" };
      expect(await runs.groups.addRuns(stranger, [ofGroup])).toBeUndefined();
    });

    test("what happens in a group is read once, in order, whichever process wrote it", async () => {
      const { runs, accept, claimOne, createGroup, openAnother } = await openStore();
      const other = await openAnother();
      const group = await createGroup();
      const { taskgroupId } = group;
      const ofGroup = newRun({}, { taskgroupId });
      const added = await runs.groups.addRuns(group, [ofGroup, ofGroup, ofGroup]);
      const ids = added?.runs.map(({ runId }) => runId) ?? [];
      const start = added?.group.position ?? 0;
      await accept(newRun());
      const elsewhere = { after: start, upTo: await runs.groups.lastPosition() };
      expect(await runs.groups.hasChanged(taskgroupId, elsewhere)).toBe(false);

      const [first, second] = [await claimOne(), await claimOne()];
      await other.finish(first, completed);
      const half = await runs.groups.lastPosition();
      await runs.finish(second, completed);
      await other.cancel(ids[2] ?? "");
      const end = await runs.groups.lastPosition();
      const read = async (after: number, upTo: number) =>
        (await runs.groups.readTransitions(taskgroupId, { after, upTo })).map(
          ({ runId, status }) => [runId, status],
        );
      expect(await read(start, half)).toEqual([[ids[0], "completed"]]);
      expect(await read(half, end)).toEqual([
        [ids[1], "completed"],
        [ids[2], "cancelled"],
      ]);

      const members = await runs.groups.listMembers(taskgroupId, { after: 0, upTo: end, limit: 2 });
      expect(members.map(({ runId }) => runId)).toEqual(ids.slice(0, 2));
      const after = members.at(-1)?.firstEventId ?? 0;
      const rest = await runs.groups.listMembers(taskgroupId, { after, upTo: end, limit: 2 });
      expect(rest.map(({ runId }) => runId)).toEqual(ids.slice(2));
    });

    test("cancelling a group asks for the end of all its runs and of no other", async () => {
      const { runs, accept, claimOne, createGroup, statusOf } = await openStore();
      const group = await createGroup();
      const ofGroup = newRun({}, { taskgroupId: group.taskgroupId });
      await runs.groups.addRuns(group, [ofGroup, ofGroup, ofGroup]);
      const [single = ""] = await accept(newRun());
      await runs.finish(await claimOne(), completed);
      await claimOne();
      expect(await runs.groups.cancel({ ...group, tenantId: "another" })).toBeUndefined();
      expect((await runs.groups.find("t", group.taskgroupId))?.status).toMatchObject({
        task_run_status_counts: { completed: 1, running: 1, queued: 1 },
      });
      expect((await runs.groups.cancel(group))?.status.task_run_status_counts).toEqual({
        completed: 1,
        cancelling: 1,
        cancelled: 1,
      });
      expect(await statusOf(single)).toBe("queued");
    });

    test("an ending puts its webhook into the outbox, where one process at a time takes it", async () => {
      const { time, runs, accept, claimOne, openAnother } = await openStore();
      const [runId = ""] = await accept(withWebhook);
      const due = { nowMs: time.now, except: [], limit: 10 };
      expect(await runs.deliveries.findDue(due)).toEqual([]);
      await runs.finish(await claimOne(), completed);
      const [webhook] = await runs.deliveries.findDue(due);
      expect(webhook).toMatchObject({ receiver: "https://receiver.example/" });
      const receivers = { ...due, except: ["https://receiver.example/"] };
      expect(await runs.deliveries.findDue(receivers)).toEqual([]);

      const lease = { nowMs: time.now, untilMs: time.now + 1_000 };
      const ids = [webhook?.webhookId ?? ""];
      const other = await openAnother();
      const claims = await Promise.all([
        runs.deliveries.claim(ids, lease),
        other.deliveries.claim(ids, lease),
      ]);
      const [delivery, ...more] = claims.flat();
      if (delivery === undefined) throw new Error("nothing was claimed");
      expect(more).toEqual([]);
      expect(delivery).toMatchObject({ runId, url: HOOK, attempts: 1 });
      expect(JSON.parse(delivery.body)).toMatchObject({ data: { status: "completed" } });
      expect(await runs.deliveries.nextDueMs(time.now)).toBe(time.now + 1_000);

      await runs.deliveries.retryAt(delivery, time.now + 5_000, "no answer");
      expect(await runs.deliveries.nextDueMs(time.now)).toBe(time.now + 5_000);
      expect((await runs.countAll()).deliveries).toEqual({ pending: 1, delivered: 0, given_up: 0 });
      await runs.deliveries.giveUp(delivery, "no answer");
      expect((await runs.countAll()).deliveries).toEqual({ pending: 0, delivered: 0, given_up: 1 });
      await runs.deliveries.markDelivered(delivery);
      expect((await runs.countAll()).deliveries).toEqual({ pending: 0, delivered: 1, given_up: 0 });
    });

    test("old runs, empty groups and nothing else are removed", async () => {
      const { time, runs, accept, claimOne, createGroup, statusOf } = await openStore();
      const group = await createGroup();
      const ofGroup = newRun({}, { taskgroupId: group.taskgroupId });
      await runs.groups.addRuns(group, [ofGroup]);
      await runs.finish(await claimOne(), completed);
      const [undelivered = ""] = await accept(withWebhook);
      await runs.finish(await claimOne(), completed);
      const [queued = ""] = await accept(newRun());
      time.now += DAY_MS;
      expect(await runs.expired.removeEmptyGroups(time.now)).toBe(0);
      expect(await runs.expired.removeRuns(time.now)).toBe(1);
      expect(await runs.expired.removeRuns(time.now)).toBe(0);
      expect(await runs.expired.removeEmptyGroups(time.now)).toBe(1);
      await runs.expired.compact(async () => {});
      expect([await statusOf(undelivered), await statusOf(queued)]).toEqual([
        "completed",
        "queued",
      ]);
    });

    test("changes are announced once they are durable, in this process and soon in others", async () => {
      const { runs, accept, claimOne, statusOf, openAnother } = await openStore();
      const other = await openAnother();
      const heard: (string | null)[] = [];
      runs.changes.subscribeToAll((change) => heard.push(change?.status ?? null));
      const heardElsewhere: (string | null)[] = [];
      other.changes.subscribeToAll((change) => heardElsewhere.push(change?.status ?? null));
      const [runId = ""] = await accept(newRun());
      let seen: string | undefined;
      const unsubscribe = runs.changes.subscribe(runId, () => {
        unsubscribe();
        void statusOf(runId).then((status) => (seen = status));
      });
      const lease = await claimOne();
      await expect.poll(() => seen).toBe("running");
      await runs.appendProgress(lease, [plan("one")]);
      await runs.finish(lease, completed);
      // What another process writes may make a change be announced once more.
      expect([...new Set(heard)]).toEqual(["queued", "running", null, "completed"]);
      await expect.poll(() => heardElsewhere.at(-1), { timeout: 5_000 }).toBe("completed");
      let calls = 0;
      runs.changes.subscribe(runId, () => (calls += 1));
      runs.changes.close();
      expect([runs.changes.closed, calls, heard.at(-1)]).toEqual([true, 1, null]);
    });
  });
}
