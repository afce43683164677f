import { describe, expect, it } from "vitest";
import { isActiveStatus, isTerminalStatus, RunStatus, TaskRun } from "../../src/task-api/run.ts";

const queued = {
  run_id: "trun_5f1d3c0a9b8e4d7c8a6b5c4d3e2f1a0b",
  interaction_id: "trun_5f1d3c0a9b8e4d7c8a6b5c4d3e2f1a0b",
  status: "queued",
  is_active: true,
  processor: "core",
  created_at: "2026-05-04T08:15:30.123456Z",
  modified_at: "2026-05-04T08:15:30.123456Z",
};

describe("a status", () => {
  it("is one of the documented seven", () => {
    expect(RunStatus.options.toSorted()).toEqual([
      "action_required",
      "cancelled",
      "cancelling",
      "completed",
      "failed",
      "queued",
      "running",
    ]);
  });

  it("is active while someone works on the run or will", () => {
    expect(RunStatus.options.filter(isActiveStatus)).toEqual(["queued", "running", "cancelling"]);
  });

  it("is terminal when it never changes again", () => {
    expect(RunStatus.options.filter(isTerminalStatus)).toEqual([
      "completed",
      "failed",
      "cancelled",
    ]);
    expect(isTerminalStatus("paused")).toBe(false);
  });
});

describe("a run, as a server describes it", () => {
  it("is read without its optional fields, as newer servers send it", () => {
    expect(TaskRun.parse(queued)).toEqual(queued);
  });

  it("is read with explicit nulls, as older servers send it", () => {
    const nulls = { ...queued, warnings: null, error: null, metadata: null, taskgroup_id: null };
    expect(TaskRun.parse(nulls)).toEqual(nulls);
  });

  it("is read without an interaction id, as stored before March 2026", () => {
    const { interaction_id: _, ...older } = queued;
    expect(TaskRun.parse(older)).toEqual(older);
  });

  it("may have a status that is not documented yet", () => {
    const paused = { ...queued, status: "paused", is_active: false };
    expect(TaskRun.parse(paused)).toEqual(paused);
  });

  it("keeps fields that are not documented", () => {
    const newer = { ...queued, region: "eu", warnings: [{ type: "new", message: "Hm.", hint: 1 }] };
    expect(TaskRun.parse(newer)).toEqual(newer);
  });

  it.each([
    ["with all its fields", { ref_id: "4f0c", message: "No source answered.", detail: null }],
    ["as the webhook sample spells it", { message: "Task execution failed", details: "timeout" }],
  ])("has an error %s", (_, error) => {
    const failed = { ...queued, status: "failed", is_active: false, error };
    expect(TaskRun.parse(failed)).toEqual(failed);
  });

  it.each(["run_id", "status", "is_active", "processor"])("cannot be read without %s", (field) => {
    const broken = { ...queued, [field]: undefined };
    expect(TaskRun.safeParse(broken).error?.issues.map((issue) => issue.path)).toEqual([[field]]);
  });
});
