import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/runtime/clock.ts";
import { ActionRequired } from "../../src/engine/executors/executor.ts";
import { isTerminalStatus } from "../../src/task-api/run.ts";
import { createManualClock } from "../client/manual-clock.ts";
import {
  deferred,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { backendOn, connect } from "./connect.ts";
import { questionOf } from "./stories.ts";

const PROFILES = ["extended", "hosted"] as const;
type Profile = (typeof PROFILES)[number];

/**
 * A server in front of an engine whose runs end when the test releases their question; `asking …` waits for an answer
 * from outside, `deaf …` does not hear a cancel.
 */
async function startServer(profile: Profile, { clock }: { clock?: Clock } = {}) {
  const gates = new Map<string, ReturnType<typeof deferred<void>>>();
  const started = new Map<string, ReturnType<typeof deferred<void>>>();
  const gateOf = (map: typeof gates, question: string) => {
    const gate = map.get(question) ?? deferred();
    map.set(question, gate);
    return gate;
  };
  const engine = await startTestEngine(
    async ({ input, signal }) => {
      const question = questionOf(input);
      gateOf(started, question).resolve();
      if (question.startsWith("asking")) {
        throw new ActionRequired("Which one?", { deadlineSeconds: 600 });
      }
      const released = gateOf(gates, question).promise;
      await (question.startsWith("deaf")
        ? released
        : Promise.race([released, untilAborted(signal)]));
      return textResult(`About ${question}`);
    },
    { profile, concurrency: 20 },
  );
  const backend = await backendOn(engine, "hosted");
  const client = await connect(async () => backend, { ...(clock && { clock }) });
  return {
    client,
    release: (question: string) => gateOf(gates, question).resolve(),
    /** A run that is being performed. */
    async startRun(question: string): Promise<string> {
      const { report } = await client.call("create_task_run", { input: question });
      await gateOf(started, question).promise;
      return report.run_id ?? "";
    },
    cancel: async (run_id: string) => (await client.call("cancel_task_run", { run_id })).report,
    /** The backend's own word, past our tools. */
    read: (runId: string) => backend.client.retrieveRun(runId),
    readEnd: (runId: string) =>
      backend.client.retrieveResult(runId, { timeoutSeconds: 30 }).then(({ run }) => run),
  };
}

describe.each(PROFILES)("%s profile", (profile) => {
  test("a run that is being performed: what is said is what a second look finds", async () => {
    const { startRun, cancel, read, readEnd, release } = await startServer(profile);
    const runId = await startRun("one");
    const report = await cancel(runId);
    if (profile === "extended") {
      expect(report).toMatchObject({ outcome: "cancelled", status: "cancelled", is_active: false });
      expect(await read(runId)).toMatchObject({ status: "cancelled" });
    } else {
      expect(report).toMatchObject({
        outcome: "not_supported",
        status: "running",
        is_active: true,
      });
      expect(report.summary).toContain("goes on (running) and is billed if it completes");
      release("one");
      expect(await readEnd(runId)).toMatchObject({ status: "completed" });
    }
  });

  test("a run that finishes in the same moment: whichever was first, the report is true", async () => {
    const { startRun, cancel, read, release, readEnd } = await startServer(profile);
    const outcomes = new Set<string | undefined>();
    // Which comes first is left to the machine: a cancel ahead of the end and behind it by ever more turns of the event
    // loop, until both orders have been seen.
    for (let turn = 0; turn < 40 || outcomes.size < 2; turn += 1) {
      const question = `turn ${turn}`;
      const runId = await startRun(question);
      const isCancelFirst = turn % 2 === 0;
      const ahead = isCancelFirst ? cancel(runId) : release(question);
      for (let ticks = 0; ticks < turn; ticks += 1) await new Promise(setImmediate);
      if (isCancelFirst) release(question);
      const report = (await ahead) ?? (await cancel(runId));
      outcomes.add(report.outcome);
      const after = await read(runId);
      switch (report.outcome) {
        case "cancelled":
        case "already_finished":
          expect(report.status).toBe(after.status);
          expect(isTerminalStatus(after.status)).toBe(true);
          expect(after.status === "cancelled").toBe(report.outcome === "cancelled");
          break;
        case "not_supported":
          expect(profile).toBe("hosted");
          expect(await readEnd(runId)).toMatchObject({ status: "completed" });
          break;
        default:
          expect.unreachable(`outcome ${report.outcome}`);
      }
    }
    const other = profile === "extended" ? "cancelled" : "not_supported";
    expect(outcomes).toEqual(new Set(["already_finished", other]));
  });

  test("cancelled twice, one after the other and at once", async () => {
    const { startRun, cancel, read } = await startServer(profile);
    const runId = await startRun("twice");
    const first = await cancel(runId);
    const second = await cancel(runId);
    const both = await startRun("at once");
    const reports = await Promise.all([cancel(both), cancel(both)]);
    if (profile === "extended") {
      expect(first.outcome).toBe("cancelled");
      expect(second).toMatchObject({ outcome: "already_finished", status: "cancelled" });
      expect(reports.map(({ status }) => status)).toEqual(["cancelled", "cancelled"]);
      expect(reports.map(({ outcome }) => outcome)).toContain("cancelled");
      expect(await read(both)).toMatchObject({ status: "cancelled" });
    } else {
      for (const { outcome, is_active } of [first, second, ...reports]) {
        expect({ outcome, is_active }).toEqual({ outcome: "not_supported", is_active: true });
      }
    }
  });

  test("while ten callers wait: all ten get the truth", async () => {
    const { client, startRun, cancel, release } = await startServer(profile);
    const runId = await startRun("awaited");
    const watching = Array.from({ length: 10 }, () => deferred());
    const calls = watching.map(({ resolve }) =>
      client.call(
        "get_task_run",
        { run_id: runId, wait_seconds: 40 },
        // The run's own status is told once it is watched.
        { onprogress: () => resolve() },
      ),
    );
    await Promise.all(watching.map(({ promise }) => promise));
    const { outcome } = await cancel(runId);
    if (profile === "hosted") release("awaited");
    const reports = (await Promise.all(calls)).map(({ report }) => report);
    const [cancelled, status] =
      profile === "extended" ? ["cancelled", "cancelled"] : ["not_supported", "completed"];
    expect(outcome).toBe(cancelled);
    expect(reports.map((report) => report.status)).toEqual(Array(10).fill(status));
    expect(reports.every(({ is_active }) => is_active === false)).toBe(true);
  });

  test("a group half done: what is completed stays, and the rest is told as it is", async () => {
    const { client, release } = await startServer(profile);
    const inputs = ["g1", "g2", "g3", "g4"];
    const { report: created } = await client.call("create_task_group", { inputs });
    const { taskgroup_id } = created;
    const look = async () =>
      (await client.call("get_task_group", { taskgroup_id, wait_seconds: 0 })).report;
    release("g1");
    release("g2");
    await expect.poll(async () => (await look()).counts).toEqual({ completed: 2, running: 2 });
    const { report } = await client.call("cancel_task_group", { taskgroup_id });
    if (profile === "extended") {
      expect(report).toMatchObject({ outcome: "cancelled", is_active: false });
      expect(report.counts).toEqual({ completed: 2, cancelled: 2 });
    } else {
      expect(report).toMatchObject({ outcome: "not_supported", is_active: true });
      expect(report.counts).toEqual({ completed: 2, running: 2 });
      expect(report.summary).toContain("are billed as they complete");
      release("g3");
      release("g4");
      await expect.poll(async () => (await look()).counts).toEqual({ completed: 4 });
    }
    const { counts } = await look();
    const again = await client.call("cancel_task_group", { taskgroup_id });
    expect(again.report).toMatchObject({ outcome: "already_finished", counts });
    const results = await client.call("get_task_group", { taskgroup_id, view: "results" });
    expect(results.report.runs?.length).toBe(profile === "extended" ? 2 : 4);
  });

  test("a run that waits for an answer from outside", async () => {
    const { startRun, cancel, read } = await startServer(profile);
    const runId = await startRun("asking");
    await expect.poll(async () => (await read(runId)).status).toBe("action_required");
    const report = await cancel(runId);
    expect(report).toMatchObject(
      profile === "extended"
        ? { outcome: "cancelled", status: "cancelled" }
        : {
            outcome: "not_supported",
            status: "action_required",
            summary: expect.stringContaining("The run stays (action_required) and"),
          },
    );
    expect((await read(runId)).status).toBe(report.status);
  });

  test("one that nobody knows", async () => {
    const { client, cancel } = await startServer(profile);
    expect(await cancel("trun_none")).toMatchObject({ outcome: "not_found" });
    const group = await client.call("cancel_task_group", { taskgroup_id: "tgrp_none" });
    expect(group.report).toMatchObject({ outcome: "not_found" });
  });
});

test("a run that does not stop in time is cancelling, and a later look finds it cancelled", async () => {
  const clock = createManualClock();
  const { startRun, cancel, read, release } = await startServer("extended", { clock });
  const runId = await startRun("deaf");
  const cancelled = cancel(runId);
  await clock.until(() => clock.sleeps.includes(2_000));
  clock.advance(2_000);
  expect(await cancelled).toMatchObject({ outcome: "cancelling", is_active: true });
  expect(await read(runId)).toMatchObject({ status: "cancelling" });
  release("deaf");
  await expect.poll(async () => (await read(runId)).status).toBe("cancelled");
  expect(await cancel(runId)).toMatchObject({ outcome: "already_finished", status: "cancelled" });
});
