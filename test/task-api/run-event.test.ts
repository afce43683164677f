import { describe, expect, it } from "vitest";
import { RunEvent } from "../../src/task-api/run-event.ts";

const run = {
  run_id: "trun_5f1d3c0a9b8e4d7c8a6b5c4d3e2f1a0b",
  status: "running",
  is_active: true,
  processor: "pro",
};

describe("a run event", () => {
  it.each([
    ["a state", { type: "task_run.state", event_id: null, input: null, run, output: null }],
    ["a state of a group", { type: "task_run.state", event_id: "7", run }],
    [
      "progress",
      {
        type: "task_run.progress_stats",
        progress_meter: 37.5,
        source_stats: {
          num_sources_considered: 40,
          num_sources_read: 6,
          sources_read_sample: ["https://example.org/a"],
        },
      },
    ],
    ["progress without a meter", { type: "task_run.progress_stats", source_stats: null }],
    [
      "progress without figures",
      {
        type: "task_run.progress_stats",
        progress_meter: 0,
        source_stats: { num_sources_considered: null, num_sources_read: null },
      },
    ],
    ["a failure in the stream", { type: "error", error: { message: "The stream broke." } }],
  ])("is read when it is %s", (_, event) => {
    expect(RunEvent.parse(event)).toEqual(event);
  });

  it.each([
    "plan",
    "search",
    "result",
    "tool_call",
    "exec_status",
    "tool",
    "extract",
    "not_yet_known",
  ])("is read when it is a message of the kind %s", (kind) => {
    const event = { type: `task_run.progress_msg.${kind}`, message: "Step.", timestamp: null };
    expect(RunEvent.parse(event)).toEqual(event);
  });

  it("carries the output in the last state of a completed run", () => {
    const event = {
      type: "task_run.state",
      run: { ...run, status: "completed", is_active: false },
      output: { type: "text", content: "1962.", basis: [] },
    };
    expect(RunEvent.parse(event)).toEqual(event);
  });

  it("keeps fields that are not documented", () => {
    const event = { type: "task_run.state", run: { ...run, region: "eu" }, sequence: 4 };
    expect(RunEvent.parse(event)).toEqual(event);
  });

  it.each([
    ["an unknown type", { type: "task_run.heartbeat" }],
    ["a type that only starts like a message", { type: "task_run.progress_message", message: "x" }],
    ["no type", { message: "x" }],
    ["a state without a run", { type: "task_run.state" }],
  ])("is not read with %s, and the reader can skip it", (_, event) => {
    expect(RunEvent.safeParse(event).success).toBe(false);
  });
});
