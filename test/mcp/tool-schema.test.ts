import { expect, test } from "vitest";
import { z } from "zod";
import { shownSchema } from "../../scripts/tool-schema.ts";

test("a shown schema keeps the shape and leaves the fine print out", () => {
  const schema = z.object({
    text: z.string().min(1).max(5).describe("a text"),
    pattern: z.string().optional(),
    size: z.int().min(0).nullish(),
    labels: z.record(z.string(), z.string()).nullish(),
    kind: z.enum(["a", "b"]),
  });
  expect(shownSchema(schema, "input")).toEqual({
    type: "object",
    properties: {
      text: { type: "string", description: "a text" },
      pattern: { type: "string" },
      size: { type: "integer" },
      labels: { type: "string" },
      kind: { type: "string", enum: ["a", "b"] },
    },
    required: ["text", "kind"],
  });
});

test("an argument has one type: text stands for the other forms, which can be written as text", () => {
  const schema = z.object({
    spec: z.union([
      z.string(),
      z.strictObject({ type: z.literal("json"), schema: z.string() }),
      z.strictObject({ type: z.literal("text"), note: z.number() }),
    ]),
    input: z.union([z.string(), z.record(z.string(), z.unknown())]).describe("what is asked"),
    flag: z.boolean().nullish(),
    labels: z.record(z.string(), z.string()).nullish(),
    hidden: z.string().meta({ isShown: false }).optional(),
    entry: z.strictObject({ kind: z.literal("url").default("url"), size: z.number() }).optional(),
  });
  expect(shownSchema(schema, "input")).toEqual({
    type: "object",
    properties: {
      spec: { type: "string" },
      input: { type: "string", description: "what is asked" },
      flag: { type: "boolean" },
      // Free objects have no members that could be shown.
      labels: { type: "string" },
      entry: { type: "object", properties: { size: { type: "number" } }, required: ["size"] },
    },
    required: ["spec", "input"],
  });
});

test("what answers carry is shown as it is, null included", () => {
  const schema = z.object({
    time: z.string().nullable(),
    counts: z.record(z.string(), z.number()),
    output: z.unknown().optional(),
  });
  expect(shownSchema(schema, "output")).toEqual({
    type: "object",
    properties: { time: { type: ["string", "null"] }, counts: { type: "object" }, output: {} },
    required: ["time", "counts"],
  });
});
