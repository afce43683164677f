import { describe, expect, it } from "vitest";
import { RunOutput, TaskRunResult } from "../../src/task-api/output.ts";

const citation = {
  url: "https://example.org/history",
  title: "History",
  excerpts: ["Founded in 1962."],
};
const basis = [
  { field: "founded", reasoning: "Stated.", citations: [citation], confidence: "high" },
];

describe("the output of a run", () => {
  it("is text", () => {
    const text = { type: "text", content: "# Report", basis: [{ ...basis[0], field: "output" }] };
    expect(RunOutput.parse(text)).toEqual(text);
  });

  it("is an object", () => {
    const json = { type: "json", content: { founded: 1962 }, basis, output_schema: null };
    expect(RunOutput.parse(json)).toEqual(json);
  });

  it("is an object even when the server sends it as JSON text", () => {
    const output = RunOutput.parse({ type: "json", content: '{"founded":1962}', basis });
    expect(output.content).toEqual({ founded: 1962 });
  });

  it.each(["Founded in 1962.", "[1962]", "1962", "null"])(
    "cannot be read when its JSON text is %j",
    (content) => {
      const { error } = RunOutput.safeParse({ type: "json", content, basis });
      expect(error?.issues.map((issue) => issue.path)).toEqual([["content"]]);
    },
  );

  it("has an empty basis when the server sends none", () => {
    expect(RunOutput.parse({ type: "text", content: "1962." }).basis).toEqual([]);
  });

  it("has a basis without the fields that only some processors fill", () => {
    const output = RunOutput.parse({
      type: "text",
      content: "1962.",
      basis: [
        { field: "output" },
        { field: "a.0", reasoning: "x", citations: null, confidence: "" },
      ],
    });
    expect(output.basis).toEqual([
      { field: "output", reasoning: "" },
      { field: "a.0", reasoning: "x", citations: null, confidence: "" },
    ]);
  });

  it("keeps tool calls, and fields that are not documented", () => {
    const output = {
      type: "text",
      content: "1962.",
      basis: [{ ...basis[0], verified: true }],
      mcp_tool_calls: [
        {
          tool_call_id: "call_1",
          server_name: "library",
          tool_name: "search",
          arguments: '{"q":"observatory"}',
          content: "",
          error: "502 Bad gateway",
        },
      ],
      beta_fields: null,
    };
    expect(RunOutput.parse(output)).toEqual(output);
  });

  it("has no type auto", () => {
    expect(RunOutput.safeParse({ type: "auto", content: {}, basis }).success).toBe(false);
  });
});

describe("the result of a run", () => {
  it("is the run with its output", () => {
    const result = {
      run: { run_id: "trun_1", status: "completed", is_active: false, processor: "core" },
      output: { type: "json", content: { founded: 1962 }, basis },
      cached: true,
    };
    expect(TaskRunResult.parse(result)).toEqual(result);
  });
});
