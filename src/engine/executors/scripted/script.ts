import { z } from "zod";
import { checkInputPattern } from "./input-pattern.ts";
import { Outcome } from "./outcome.ts";
import { count, Flag, object, Seconds, Text } from "./script-values.ts";
import { Timeline } from "./timeline.ts";

const SHARE_ERROR = "write a share: a number from 0 to 1";

const Match = object({
  input: Text.superRefine((pattern, context) => {
    const problem = checkInputPattern(pattern);
    if (problem !== null) context.addIssue(problem);
  })
    .optional()
    .describe(
      "Text that occurs in the input, in the same case; or a regular expression written `/…/`, with flags `/…/i`. An input object is searched as compact JSON.",
    ),
  processor: Text.optional().describe("Name of the processor."),
  metadata: z
    .record(
      z.string(),
      z.union([z.string(), z.number(), z.boolean()], "write a text, a number, true or false"),
      "write an object with metadata keys and their values",
    )
    .optional()
    .describe("Metadata that the run has, compared as text; it may have more."),
  nth: count(1, 1_000_000)
    .optional()
    .describe(
      "Only the n-th execution that meets the other conditions, from 1; those that an earlier rule takes count too.",
    ),
}).meta({ id: "ScriptMatch" });
export type Match = z.infer<typeof Match>;

const Takes = z
  .union(
    [Seconds, z.tuple([Seconds, Seconds])],
    "write seconds from 0 to 86400, or a range [least, most]",
  )
  .refine(
    (takes) => typeof takes === "number" || takes[0] <= takes[1],
    "write the smaller number of the range first",
  );

/** What a run does; each part that a rule leaves out is taken from the defaults. */
const behaviour = {
  takes: Takes.optional().describe(
    "Seconds until the run ends, or a range `[least, most]` to draw from. Left out: 0. It never ends before its last step.",
  ),
  timeline: Timeline.optional().describe("List of progress events."),
  outcome: Outcome.optional().describe(
    "How the run ends. Left out: completed, with a text that repeats the question.",
  ),
  fail_share: z
    .number(SHARE_ERROR)
    .min(0, SHARE_ERROR)
    .max(1, SHARE_ERROR)
    .optional()
    .describe("Share of runs, 0 to 1, that fail when they end, whatever the outcome says."),
  fail_message: Text.optional().describe("Message of those failures."),
  ignore_cancel: Flag.optional().describe(
    "`true`: a cancelled run works on until `takes` is over, and so does one whose process is stopped.",
  ),
};

const Defaults = object(behaviour).meta({ id: "ScriptDefaults" });
export type Behaviour = z.infer<typeof Defaults>;

const Rule = object({
  match: Match.optional().describe(
    "Which runs the rule is for; all conditions must hold. Left out: every run.",
  ),
  ...behaviour,
}).meta({ id: "ScriptRule" });
export type Rule = z.infer<typeof Rule>;

/** The file of an agent developer that decides what runs do. Documented in docs/scripted-runs.md. */
export const Script = object({
  $schema: Text.optional().describe("Address of the JSON schema, for editors."),
  seed: z
    .int("write a whole number")
    .optional()
    .describe("Whole number that every draw depends on. Left out: 0."),
  defaults: Defaults.optional().describe("What runs do where their rule does not say it."),
  runs: z
    .array(Rule, "write a list of rules")
    .optional()
    .describe("List of rules; the first that matches decides. Without a match, the defaults do."),
}).meta({ title: "A script of task runs" });
export type Script = z.infer<typeof Script>;
