import { expect, test } from "vitest";
import { parseScript } from "../../src/engine/executors/scripted/read-script.ts";
import { readDocument } from "../../src/engine/sources/readers/read-document.ts";
import { createFolder } from "./sources/document-fixtures.ts";
import { startTestEngine, untilAborted } from "./start-test-engine.ts";

const HALF = "\ud83d";
/** An escape of half a surrogate pair, which strict readers of JSON refuse. */
const HALF_ESCAPE = /\\ud[89a-f]/i;

test("a body keeps the digits of its numbers and loses halves of surrogate pairs", async () => {
  const inputs: unknown[] = [];
  const engine = await startTestEngine(async ({ input, signal }) => {
    inputs.push(input.input);
    return untilAborted(signal);
  });
  const fetchText = async (path: string, init: RequestInit = {}) =>
    (await engine.fetch(new Request(`http://engine${path}`, init))).text();
  const created = await fetchText("/v1/tasks/runs", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: String.raw`{"input":{"id":653247040368672768,"n\ud83d":"a\ude00 😀"},"processor":"base","metadata":{"order":9007199254740993}}`,
  });
  const { run_id: runId, metadata } = JSON.parse(created);
  expect(metadata).toEqual({ order: "9007199254740993" });
  const echo = await fetchText(`/v1/tasks/runs/${runId}/input`);
  const input = { id: "653247040368672768", "n\ufffd": "a\ufffd 😀" };
  expect(JSON.parse(echo).input).toEqual(input);
  await expect.poll(() => inputs).toEqual([input]);
});

test("what an executor says is well-formed on the wire, and otherwise as it said it", async () => {
  const engine = await startTestEngine(async ({ report }) => {
    await report({ type: "task_run.progress_msg.search", message: `step ${HALF}` });
    return {
      output: {
        type: "json",
        content: { [`name ${HALF}`]: `value ${HALF} \u001b[1m \u202e` },
        basis: [{ field: HALF, reasoning: HALF, citations: [] }],
      },
      warnings: [{ type: "warning", message: `warning ${HALF}`, detail: null }],
    };
  });
  const fetchText = async (path: string, init: RequestInit = {}) =>
    (await engine.fetch(new Request(`http://engine${path}`, init))).text();
  const created = await fetchText("/v1/tasks/runs", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input: "q", processor: "base", enable_events: true }),
  });
  const runs = `/v1/tasks/runs/${JSON.parse(created).run_id}`;
  const result = await fetchText(`${runs}/result?timeout=20`);
  const events = await fetchText(`${runs}/events`);
  const list = await fetchText("/v1/tasks/runs");
  for (const text of [result, events, list]) expect(text).not.toMatch(HALF_ESCAPE);
  const { run, output } = JSON.parse(result);
  expect(output.content).toEqual({ "name \ufffd": "value \ufffd \u001b[1m \u202e" });
  expect(run.warnings[0].message).toBe("warning \ufffd");
  expect(events).toContain("step \ufffd");
});

test("a script keeps the digits of its numbers, in YAML as in JSON", () => {
  for (const json of ["{ id: 653247040368672768, n: 5 }", '{"id":653247040368672768,"n":5}']) {
    const { runs } = parseScript(
      `{"runs":[{"outcome":{"status":"completed","json":${json}}}]}`,
      "script.yaml",
    );
    expect(runs?.[0]?.outcome).toMatchObject({ json: { id: "653247040368672768", n: 5 } });
  }
});

test("documents keep the digits of their numbers", async () => {
  const folder = await createFolder({
    "a.json": String.raw`[{"name":"A\ud83d","id":653247040368672768}]`,
    "b.jsonl": '{"name":"B","id":653247040368672769}\n',
    "c.csv": "name,id\nC,653247040368672770\n",
    "d.md": "---\ntitle: 653247040368672771\n---\nText\n",
  });
  const texts = [];
  for (const name of ["a.json", "b.jsonl", "c.csv", "d.md"]) {
    const { title, passages } = await readDocument(`${folder}/${name}`);
    texts.push([title, ...passages.map(({ text }) => text)].join(" "));
  }
  expect(texts).toEqual([
    expect.stringMatching(/A\ufffd; id: 653247040368672768/),
    expect.stringContaining("653247040368672769"),
    expect.stringContaining("653247040368672770"),
    expect.stringContaining("653247040368672771"),
  ]);
});
