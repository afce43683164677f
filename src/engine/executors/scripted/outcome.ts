import { z } from "zod";
import { JsonObject } from "../../../task-api/task-spec.ts";
import { count, object, Seconds, Text } from "./script-values.ts";

/** What a section needs at least for its heading and a sentence. */
const MIN_SECTION_CHARS = 100;
/** Ten times the largest report seen; the engine holds an output in memory several times over. */
const MAX_CHARACTERS = 20_000_000;

const Citation = object({
  url: Text.describe("Address of the source."),
  title: Text.optional().describe("Its title."),
  excerpts: z
    .array(Text, "write a list of texts")
    .optional()
    .describe("List of quotes from the source."),
  published: z.iso
    .date("write a date as YYYY-MM-DD")
    .optional()
    .describe(
      "Date of the source, `YYYY-MM-DD`. Left out: a run with `after_date` does not cite it.",
    ),
}).meta({ id: "ScriptCitation" });

const Basis = object({
  field: Text.optional().describe("The output field this is about. Left out: `output`."),
  reasoning: Text.optional().describe("Why the field has its value. Left out: empty."),
  confidence: Text.optional().describe("`low`, `medium`, `high`, or any other text."),
  citations: z
    .array(Citation, "write a list of citations")
    .optional()
    .describe("List of citations."),
}).meta({ id: "ScriptBasis" });

const Completed = object({
  status: z.literal("completed").describe("The run completes with an output."),
  text: Text.optional().describe("Markdown answer."),
  json: z
    .union([z.literal("auto"), JsonObject], "write an object with the output fields, or auto")
    .optional()
    .describe(
      "The output for a task with a JSON schema: an object, or `auto`, a small value made from that schema. Left out: `auto`.",
    ),
  basis: z
    .array(Basis, "write a list of basis entries")
    .optional()
    .describe("Evidence per output field."),
  sections: count(1, 1_000)
    .optional()
    .describe("In place of `text`: so many sections of made-up text. Left out: 1."),
  characters: count(MIN_SECTION_CHARS, MAX_CHARACTERS)
    .optional()
    .describe("In place of `text`: so many UTF-16 units in all. Left out: 1,000 per section."),
  citations: count(1, 10_000)
    .optional()
    .describe(
      "In place of `basis`: so many made-up citations, spread over the fields of a JSON output.",
    ),
})
  .superRefine(({ text, sections, characters, basis, citations }, context) => {
    const report = (key: string, message: string) =>
      context.addIssue({ code: "custom", path: [key], message, input: key });
    if (text !== undefined && sections !== undefined) report("sections", "remove it, or text");
    if (text !== undefined && characters !== undefined) report("characters", "remove it, or text");
    if (basis !== undefined && citations !== undefined) report("citations", "remove it, or basis");
    const least = (sections ?? 1) * MIN_SECTION_CHARS;
    if (characters !== undefined && characters < least) {
      report("characters", `${sections} sections need at least ${least} characters`);
    }
  })
  .meta({ id: "ScriptCompleted" });
/** A run that completes, and with what. */
export type Completed = z.infer<typeof Completed>;

const Failed = object({
  status: z.literal("failed").describe("The run fails."),
  message: Text.describe("Message of the run's `error`."),
}).meta({ id: "ScriptFailed" });

const ActionNeeded = object({
  status: z.literal("action_required").describe("The run waits for an answer from outside."),
  message: Text.describe("What it waits for."),
  deadline: Seconds.optional().describe("Seconds until it fails without one. Left out: 3600."),
}).meta({ id: "ScriptActionRequired" });

const Stuck = object({
  status: z.literal("stuck").describe("The run stays `running` until somebody cancels it."),
}).meta({ id: "ScriptStuck" });

/** How a run ends. */
export const Outcome = z
  .discriminatedUnion("status", [Completed, Failed, ActionNeeded, Stuck], {
    error: "write an object with a status: completed, failed, action_required or stuck",
  })
  .meta({ id: "ScriptOutcome" });
export type Outcome = z.infer<typeof Outcome>;
