import { describe, expect, it } from "vitest";
import {
  AddRunsBody,
  CreateTaskGroupBody,
  TaskGroup,
  TaskGroupEvent,
  TaskGroupLimits,
  TaskGroupRunEvent,
  TaskGroupRunResponse,
} from "../../src/task-api/task-group.ts";

const status = {
  num_task_runs: 1,
  task_run_status_counts: { completed: 1 },
  is_active: false,
  status_message: "",
  modified_at: "2025-04-23T20:21:48.037943Z",
};
const run = {
  run_id: "trun_9907962f83aa4d9d98fd7f4bf745d654",
  interaction_id: "trun_9907962f83aa4d9d98fd7f4bf745d654",
  status: "completed",
  is_active: false,
  processor: "core",
  metadata: { my_key: "my_value" },
  created_at: "2025-04-23T20:21:48.037943Z",
  modified_at: "2025-04-23T20:21:48.037943Z",
};
const input = { processor: "core", input: { country: "France", year: 2023 } };

const problemsOf = (body: unknown) =>
  AddRunsBody.safeParse(body).error?.issues.map(({ path }) => path.join(".")) ?? [];

describe("the body of a new group", () => {
  it("may be empty or carry metadata of strings, numbers and booleans", () => {
    for (const body of [{}, { metadata: null }, { metadata: { a: "x", b: 1, c: true } }]) {
      expect(CreateTaskGroupBody.parse(body)).toEqual(body);
    }
  });

  it("carries nothing else", () => {
    expect(CreateTaskGroupBody.safeParse({ name: "x" }).success).toBe(false);
    expect(CreateTaskGroupBody.safeParse({ metadata: { a: ["x"] } }).success).toBe(false);
  });
});

describe("the body of added runs", () => {
  it("holds up to 1,000 inputs", () => {
    const inputs = Array.from({ length: TaskGroupLimits.inputsPerRequest }, () => input);
    expect(problemsOf({ inputs })).toEqual([]);
    expect(problemsOf({ inputs: [...inputs, input] })).toEqual(["inputs"]);
  });

  it("names the place of every problem", () => {
    const inputs = [input, { processor: "core" }, { ...input, metadata: { k: [] } }];
    expect(problemsOf({ inputs, default_task_spec: {} })).toEqual([
      "inputs.1.input",
      "inputs.2.metadata.k",
      "default_task_spec.output_schema",
    ]);
    expect(problemsOf({})).toEqual(["inputs"]);
    expect(problemsOf({ inputs: [], colour: "red" })).toEqual([""]);
  });
});

describe("an answer about a group", () => {
  it("is read as the API documents it, with fields that are newer than this contract", () => {
    const group = {
      taskgroup_id: "tgrp_1",
      metadata: {},
      created_at: "2025-04-24T18:56:22.513132Z",
      status: { ...status, eta_seconds: 3 },
      name: "new",
    };
    expect(TaskGroup.parse(group)).toEqual(group);
    const { metadata: _metadata, ...bare } = group;
    expect(TaskGroup.parse({ ...bare, created_at: null })).toMatchObject({ created_at: null });
    const added = { status, run_ids: ["trun_1"], run_cursor: null, event_cursor: "12" };
    expect(TaskGroupRunResponse.parse(added)).toEqual(added);
  });

  it("needs its counts", () => {
    expect(TaskGroup.safeParse({ taskgroup_id: "tgrp_1", created_at: null }).success).toBe(false);
  });
});

describe("an event of a group", () => {
  it("is a status, the state of a run, or an error", () => {
    const events = [
      { type: "task_group_status", event_id: "123", status },
      { type: "task_run.state", event_id: "123", input, run },
      { type: "error", error: { ref_id: "r", message: "m", detail: null } },
    ];
    for (const event of events) expect(TaskGroupEvent.parse(event)).toEqual(event);
    expect(TaskGroupEvent.safeParse({ type: "task_run.progress_stats" }).success).toBe(false);
    expect(TaskGroupRunEvent.parse(events[1])).toEqual(events[1]);
    expect(TaskGroupRunEvent.safeParse(events[0]).success).toBe(false);
  });
});
