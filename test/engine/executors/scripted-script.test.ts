import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  parseScript,
  readScript,
  ScriptInvalid,
} from "../../../src/engine/executors/scripted/read-script.ts";
import { errorOf, thrownBy } from "../../client/capture.ts";
import { temporaryFolder } from "../start-test-engine.ts";

/** The problems of a script as `line:column path: message`. */
function problemsOf(text: string): string[] {
  const error = thrownBy(() => parseScript(text, "script.yaml"));
  if (!(error instanceof ScriptInvalid)) throw error;
  return error.problems.map(
    ({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`,
  );
}

test("a script may be YAML or JSON, also indented with tabs", async () => {
  const script = { seed: 7, runs: [{ match: { input: "x" }, takes: [1, 2] }] };
  const folder = await temporaryFolder();
  const yaml = join(folder, "script.yaml");
  await writeFile(yaml, "seed: 7\nruns:\n  - match: { input: x }\n    takes: [1, 2]\n");
  expect(await readScript(yaml)).toEqual(script);
  const json = join(folder, "script.json");
  await writeFile(json, JSON.stringify({ $schema: "./script.schema.json", ...script }, null, "\t"));
  expect(await readScript(json)).toMatchObject(script);
});

test("parts of a script may be written once and referred to", () => {
  const { runs } = parseScript(
    `
    runs:
      - { takes: 1, outcome: &refused { status: failed, message: No. } }
      - { takes: 2, outcome: *refused }
  `,
    "script.yaml",
  );
  expect(runs?.[1]?.outcome).toEqual({ status: "failed", message: "No." });
});

test("a file that is not there is named", async () => {
  const error = await errorOf(readScript("/nowhere/script.yaml"));
  expect(error).toBeInstanceOf(ScriptInvalid);
  expect(error).toMatchObject({ message: expect.stringContaining("/nowhere/script.yaml") });
});

test("every problem is reported at once, each with its place and what to write", () => {
  const script = `seed: often
default: {}
runs:
  - match: { inputs: x, nth: 0 }
    timeline:
      - plan: a
        search: b
      - { at: 3, result: c }
      - { at: 1, result: d }
    takes: soon
    outcome:
      status: failed
  - fail_share: 20
    ignore_cancel: yes please
    outcome: { status: done }
`;
  expect(problemsOf(script)).toEqual([
    "1:7 seed: write a whole number",
    "2:1 default: unknown key; the keys here are $schema, seed, defaults, runs",
    "4:14 runs[0].match.inputs: unknown key; the keys here are input, processor, metadata, nth",
    "4:30 runs[0].match.nth: write a whole number from 1 to 1000000",
    "6:9 runs[0].timeline[0]: a step says one thing: write one of plan, search, result, tool_call, exec_status, stats",
    "10:12 runs[0].takes: write seconds from 0 to 86400, or a range [least, most]",
    "12:7 runs[0].outcome.message: write a text; one that looks like something else goes in quotes",
    "13:17 runs[1].fail_share: write a share: a number from 0 to 1",
    "14:20 runs[1].ignore_cancel: write true or false",
    "15:24 runs[1].outcome.status: write an object with a status: completed, failed, action_required or stuck",
  ]);
  const error = thrownBy(() => parseScript(script, "my.yaml"));
  expect(error).toMatchObject({ message: expect.stringContaining("\n  my.yaml:1:7 seed: write") });
});

test.each([
  [
    "steps out of order",
    "runs: [{ timeline: [{ at: 3, plan: a }, { at: 1, plan: b }] }]",
    "1:47 runs[0].timeline[1].at: the step before is at 3 s: put the steps in the order of their times",
  ],
  [
    "a step with two times",
    "runs: [{ timeline: [{ at: 3, after: 1, plan: a }] }]",
    "1:21 runs[0].timeline[0]: write at or after, not both",
  ],
  [
    "a range the wrong way round",
    "runs: [{ takes: [5, 2] }]",
    "1:17 runs[0].takes: write the smaller number of the range first",
  ],
  [
    "a text and a size",
    "defaults: { outcome: { status: completed, text: a, sections: 3 } }",
    "1:62 defaults.outcome.sections: remove it, or text",
  ],
  [
    "a basis and a number of citations",
    "runs: [{ outcome: { status: completed, basis: [], citations: 3 } }]",
    "1:62 runs[0].outcome.citations: remove it, or basis",
  ],
  [
    "a size too small for its sections",
    "runs: [{ outcome: { status: completed, sections: 50, characters: 1000 } }]",
    "1:66 runs[0].outcome.characters: 50 sections need at least 5000 characters",
  ],
  [
    "a broken pattern",
    'runs: [{ match: { input: "/(GDP/" } }]',
    "1:26 runs[0].match.input: write a JavaScript regular expression: Invalid regular expression: /(GDP/: Unterminated group",
  ],
  [
    "flags that are none",
    "runs: [{ match: { input: /usr/bin } }]",
    '1:26 runs[0].match.input: a text between slashes is a regular expression, and its flags are of i, m, s and u, not "bin"; to look for the text itself, write its slashes as \\/ in /…/',
  ],
  ["nothing at all", "", "1:1 : write an object with keys of $schema, seed, defaults, runs"],
  [
    "a list in place of a script",
    "- match: {}",
    "1:1 : write an object with keys of $schema, seed, defaults, runs",
  ],
  ["a key twice", "seed: 1\nseed: 2", "2:1 : Map keys must be unique"],
  ["two documents", "seed: 1\n---\nseed: 2", /^2:1 : .*multiple documents/],
  ["an alias of nothing", "runs: *rules", /^\d:\d+ : Unresolved alias/],
  ["what is not YAML", "runs: [", /^1:\d+ : /],
])("%s: the place is named and what to write", (_name, script, problem) => {
  expect(problemsOf(script)).toEqual([
    typeof problem === "string" ? problem : expect.stringMatching(problem),
  ]);
});
