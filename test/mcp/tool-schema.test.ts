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
      labels: { type: "object" },
      kind: { type: "string", enum: ["a", "b"] },
    },
    required: ["text", "kind"],
  });
});

test("the object forms of a union are shown as one, with every value of what tells them apart", () => {
  const schema = z.object({
    spec: z.union([
      z.string(),
      z.strictObject({ type: z.literal("json"), schema: z.string() }),
      z.strictObject({ type: z.literal("text"), note: z.number() }),
    ]),
  });
  expect(shownSchema(schema, "input")).toEqual({
    type: "object",
    properties: {
      // The short form is accepted as well: clients that check arguments only know the long one.
      spec: {
        type: "object",
        properties: {
          type: { enum: ["json", "text"] },
          schema: { type: "string" },
          note: { type: "number" },
        },
      },
    },
    required: ["spec"],
  });
});

test("a union of plain types is shown as a list of types, because some clients drop all but the objects", () => {
  const schema = z.object({ input: z.union([z.string(), z.record(z.string(), z.unknown())]) });
  expect(shownSchema(schema, "input")).toEqual({
    type: "object",
    properties: { input: { type: ["string", "object"] } },
    required: ["input"],
  });
});
