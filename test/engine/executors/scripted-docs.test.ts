import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import {
  parseScript,
  readScript,
  ScriptInvalid,
} from "../../../src/engine/executors/scripted/read-script.ts";
import { Script } from "../../../src/engine/executors/scripted/script.ts";
import { JsonObject } from "../../../src/task-api/task-spec.ts";
import { thrownBy } from "../../client/capture.ts";
import { call } from "../call-engine.ts";
import { startScriptedEngine } from "./start-scripted-engine.ts";

const root = new URL("../../../", import.meta.url);
const guide = await readFile(new URL("docs/scripted-runs.md", root), "utf8");
const example = await readFile(new URL("examples/script.yaml", root), "utf8");
const published: unknown = JSON.parse(
  await readFile(new URL("examples/script.schema.json", root), "utf8"),
);

const Described = z.object({
  properties: z.record(z.string(), z.object({ description: z.string() })),
});
const Definitions = z.object({ definitions: z.record(z.string(), z.unknown()) });
const { definitions } = Definitions.parse(published);

/** The code blocks of that language. */
function codeBlocks(language: string): string[] {
  return [...guide.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map(
    ([, code]) => code ?? "",
  );
}

/** The cells of the table after the comment with that name, without its header. */
function tableOf(name: string): string[][] {
  const [, after = ""] = guide.split(`<!-- ${name} -->`);
  const lines = after.trimStart().split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines
    .slice(2, end === -1 ? undefined : end)
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

test("the published schema is the one that scripts are checked against", () => {
  // When this fails, write the left side to examples/script.schema.json and run the formatter.
  expect(z.toJSONSchema(Script, { target: "draft-7", io: "input" })).toEqual(published);
});

test("an editor with the published schema takes what the engine takes, and marks mistakes", () => {
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(
    JsonObject.parse(published),
  );
  for (const script of [example, ...codeBlocks("yaml")]) {
    expect(validate(parse(script)), JSON.stringify(validate.errors)).toBe(true);
  }
  for (const script of [
    "run: []",
    "runs: [{ timeline: [{ plan: a, search: b }] }]",
    "runs: [{ timeline: [{ at: 1, after: 1, plan: a }] }]",
    "runs: [{ takes: [1] }]",
    "runs: [{ outcome: { status: done } }]",
    "runs: [{ outcome: { status: failed } }]",
  ]) {
    expect(validate(parse(script)), script).toBe(false);
    expect(() => parseScript(script, "script.yaml"), script).toThrow(ScriptInvalid);
  }
});

test("the example names the schema for editors, and is a script", async () => {
  expect(example.split("\n")[0]).toBe("# yaml-language-server: $schema=./script.schema.json");
  const { runs = [] } = await readScript(fileURLToPath(new URL("examples/script.yaml", root)));
  expect(new Set(runs.map(({ outcome }) => outcome?.status))).toEqual(
    new Set(["completed", "failed", "stuck", "action_required", undefined]),
  );
});

test("every script of the guide is one", () => {
  const scripts = codeBlocks("yaml");
  expect(scripts.length).toBeGreaterThan(2);
  for (const script of scripts) expect(parseScript(script, "guide").runs).not.toHaveLength(0);
});

test("the guide's tables have every key of the schema, with its meaning", () => {
  const named = Object.keys(definitions).filter(
    // An outcome is one of its kinds, and the defaults are a rule without `match`.
    (name) => name !== "ScriptOutcome" && name !== "ScriptDefaults",
  );
  for (const name of ["Script", ...named]) {
    const { properties } = Described.parse(name === "Script" ? published : definitions[name]);
    const rows = Object.entries(properties).map(([key, { description }]) => [
      `\`${key}\``,
      description,
    ]);
    expect(tableOf(name), name).toEqual(rows);
  }
  const { match, ...others } = Described.parse(definitions["ScriptRule"]).properties;
  expect(match).toBeDefined();
  expect(Described.parse(definitions["ScriptDefaults"]).properties).toEqual(others);
});

test("the guide shows the problems of a script as they are reported", () => {
  const mistakes = `runs:
  - mach: { input: "GDP" }
    timeline:
      - plan: 42
`;
  const error = thrownBy(() => parseScript(mistakes, "script.yaml"));
  expect(codeBlocks("text")).toEqual([`${error instanceof Error ? error.message : ""}\n`]);
});

test("the guide's first script does what its test expects", async () => {
  const engine = await startScriptedEngine(codeBlocks("yaml")[0] ?? "");
  const body = { input: "Weather tomorrow?", processor: "base" };
  const { body: run } = await call(engine, "/v1/tasks/runs", body);
  const result = await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=20`);
  expect(result.status).toBe(404);
  const { error } = (await call(engine, `/v1/tasks/runs/${run.run_id}`)).body;
  expect(error.message).toBe("No source answers this.");
  const [snippet] = codeBlocks("ts");
  for (const text of [body.input, String(result.status), error.message]) {
    expect(snippet).toContain(text);
  }
});
