import { expect, test } from "vitest";
import { draft, look, taskRun, textOutput } from "./drafts.ts";
import { createTime, openLedger, start } from "./open-store.ts";

test("states of many runs are written at once, and what has ended stays as it ended", async () => {
  const { ledger, store } = await openLedger();
  const ids = Array.from({ length: 1_500 }, (_, index) => `run_${index}`);
  for (const id of ids.slice(0, 3)) await start(ledger, id);
  const reserved = await ledger.reserve(ids.slice(3).map((id) => draft(id)));
  if (reserved.kind !== "reserved") throw new Error(reserved.kind);
  const accepted = reserved.entries.map(({ entry }) => ({
    entryId: entry.entryId,
    run: taskRun(entry.question),
  }));
  await ledger.accept(accepted);
  await ledger.record("run_0", look(taskRun("run_0", { status: "completed", is_active: false })));
  const modified_at = "2026-11-24T12:00:05.000Z";
  await ledger.record("run_1", look(taskRun("run_1", { status: "running", modified_at })));

  const cancelled = { status: "cancelled", is_active: false } as const;
  await ledger.recordAll([
    taskRun("run_of_another"),
    // Older than what is known.
    taskRun("run_1", { status: "queued", modified_at: "2026-11-24T12:00:01.000Z" }),
    ...ids.filter((id) => id !== "run_1").map((id) => taskRun(id, cancelled)),
  ]);
  expect(await ledger.count({ status: ["cancelled"] })).toEqual({ count: 1_498, isAtLeast: false });
  expect(await ledger.find("run_0")).toMatchObject({ status: "completed" });
  expect(await ledger.find("run_1")).toMatchObject({ status: "running", isActive: true });
  expect(await ledger.find("run_2")).toMatchObject({
    isActive: false,
    finishedAt: expect.any(String),
  });
  expect(await ledger.find("run_of_another")).toBeNull();
  const other = store.of({ backend: "other", keyFingerprint: null, principal: null });
  await other.recordAll([taskRun("run_1", cancelled)]);
  expect(await ledger.find("run_1")).toMatchObject({ status: "running" });
});

test("the same request is found while it is active or completed, and new enough", async () => {
  const time = createTime();
  const { ledger } = await openLedger({ now: time.now });
  for (const id of ["run_1", "run_2", "run_3"]) await start(ledger, id, draft(`about ${id}`));
  await start(ledger, "run_4", draft("about run_1"));
  await ledger.reserve([draft("about run_2")]);
  await ledger.record("run_3", look(taskRun("run_3", { status: "failed", is_active: false })));
  const entries = await Promise.all(["run_1", "run_2", "run_3"].map((id) => ledger.find(id)));
  const fingerprints = entries.map((entry) => entry?.fingerprint ?? "");
  const found = async (sinceMs: number) =>
    [...(await ledger.findAlike(fingerprints, sinceMs)).values()].map(({ runId }) => runId);
  // The newest of each; what was not accepted yet is none.
  expect(new Set(await found(0))).toEqual(new Set(["run_2", "run_4"]));
  expect(await found(time.now() + 1)).toEqual([]);
});

test("groups are listed by their newest run, with what fits of each", async () => {
  const time = createTime();
  const { ledger } = await openLedger({ now: time.now });
  const inGroup = (question: string, taskgroupId: string) => draft(question, { taskgroupId });
  await start(ledger, "run_1", inGroup("sky one", "tgrp_z"));
  time.pass(1_000);
  await start(ledger, "run_2", inGroup("sea", "tgrp_a"));
  await start(ledger, "run_3", draft("sky alone"));
  await start(ledger, "run_4", inGroup("sky two", "tgrp_z"));
  const all = await ledger.listGroups({ limit: 10, offset: 0 });
  expect(all.groups.map(({ taskgroupId, counts }) => [taskgroupId, counts])).toEqual([
    ["tgrp_z", { queued: 2 }],
    ["tgrp_a", { queued: 1 }],
  ]);
  expect(all.groups[0]?.createdAt).toBe("2026-11-24T12:00:00.000Z");
  expect(await ledger.listGroups({ limit: 1, offset: 1 })).toMatchObject({
    total: 2,
    groups: [{ taskgroupId: "tgrp_a" }],
  });
  const sky = await ledger.listGroups({ limit: 10, offset: 0, text: "two SKY" });
  expect(sky).toMatchObject({
    total: 1,
    groups: [{ taskgroupId: "tgrp_z", counts: { queued: 1 } }],
  });
  expect(await ledger.count({ taskgroupId: null })).toEqual({ count: 1, isAtLeast: false });
});

test("a group counts a retried input by its latest attempt", async () => {
  const { ledger } = await openLedger();
  const of = (question: string, retryOf: string | null = null) =>
    draft(question, { taskgroupId: "tgrp_a", retryOf });
  await start(ledger, "run_1", of("sky"));
  await start(ledger, "run_2", of("sea"));
  await ledger.record("run_1", look(taskRun("run_1", { status: "failed", is_active: false })));
  await start(ledger, "run_3", of("sky", "run_1"));
  const counts = async (status?: string[]) =>
    (await ledger.listGroups({ limit: 10, offset: 0, status })).groups.map((one) => one.counts);
  expect(await counts()).toEqual([{ queued: 2 }]);
  expect(await counts(["failed"])).toEqual([]);
});

test("rows of a page are noted at once: states, and outputs that are not kept yet", async () => {
  const { ledger } = await openLedger();
  for (const id of ["run_1", "run_2", "run_3"]) await start(ledger, id);
  const completed = { status: "completed", is_active: false } as const;
  const first = textOutput("first");
  await ledger.record("run_1", look(taskRun("run_1", completed), { output: first }));
  await ledger.recordRows([
    { run: taskRun("run_of_another", completed), output: textOutput("foreign") },
    { run: taskRun("run_1", { status: "failed", is_active: false }), output: textOutput("later") },
    { run: taskRun("run_2", completed), output: textOutput("second") },
    { run: taskRun("run_3", { status: "running", is_active: true }), output: null },
  ]);
  expect(await ledger.find("run_1")).toMatchObject({ status: "completed" });
  expect(await ledger.find("run_2")).toMatchObject({ status: "completed", isActive: false });
  expect(await ledger.find("run_3")).toMatchObject({ status: "running" });
  expect(await ledger.readOutput("run_1")).toEqual(first);
  expect(await ledger.readOutput("run_2")).toEqual(textOutput("second"));
  expect(await ledger.readOutput("run_3")).toBeNull();
  expect(await ledger.readOutput("run_of_another")).toBeNull();
});
