import { expect, test, vi } from "vitest";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOf, backendOn, connect } from "./connect.ts";
import { openRawSession } from "./raw-session.ts";

const PROTOCOL = { protocolVersion: "2025-11-25" };
/** As it stands in JSON: colours, a clipboard write, directions, tags, invisible characters, half a surrogate pair. */
const DIRTY = String.raw`a\u001b[31mb\u001b]52;c;eA==\u0007\u202ec\udb40\udc41\u200b\ufeff\u009b2J \ud83d 👩‍👩‍👧`;
const CLEAN = "abc \ufffd 👩‍👩‍👧";
const RUN = `"run_id":"trun_1","processor":"base","created_at":"2026-01-01T00:00:00Z","modified_at":"2026-01-01T00:00:00Z"`;

/** A backend that writes its JSON as the test says. */
function dirtyBackend() {
  return backendOf(async (request) => {
    const { pathname } = new URL(request.url);
    const json = (body: string, status = 200) =>
      new Response(body, { status, headers: { "content-type": "application/json" } });
    const done = `{${RUN},"status":"completed","is_active":false,"warnings":[{"type":"warning","message":"${DIRTY}","detail":{}}]}`;
    switch (pathname) {
      case "/v1/tasks/runs/trun_1":
        return json(done);
      case "/v1/tasks/runs/trun_1/result":
        return json(`{"run":${done},"output":{"type":"json","content":{"${DIRTY}":"${DIRTY}",
          "id":653247040368672768,"deep":[{"huge":1e400,"exact":0.1}]},"basis":[{"field":"${DIRTY}",
          "reasoning":"${DIRTY}","confidence":"high","citations":[{"url":"https://x.example/${DIRTY}",
          "title":"${DIRTY}","excerpts":["${DIRTY}"]}]}]}}`);
      case "/v1/tasks/runs/trun_2":
        return json(`{${RUN.replace("trun_1", "trun_2")},"status":"running","is_active":true}`);
      case "/v1/tasks/runs/trun_2/events":
        return new Response(
          `data: {"type":"task_run.progress_msg.search","message":"step ${DIRTY}","timestamp":"2026-01-01T00:00:00Z"}\n\n`,
          { headers: { "content-type": "text/event-stream" } },
        );
      default:
        return json(
          `{"type":"error","error":{"ref_id":"${DIRTY}","message":"no ${DIRTY}","detail":null}}`,
          402,
        );
    }
  }, "custom");
}

/** Every text of a JSON value, names included. */
function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [name, ...textsOf(member)]);
}

const FORBIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u202a-\u202e\ufeff\u{e0000}-\u{e007f}]|\p{Surrogate}|\[31m|eA==|\\u001b|\\ud83d/u;

test("what leaves the server is clean and well-formed, whichever way it leaves", async () => {
  const backend = await dirtyBackend();
  const session = await openRawSession(async () => backend, PROTOCOL);
  const call = (name: string, args: object, _meta?: object) =>
    session.request("tools/call", { name, arguments: args, ...(_meta && { _meta }) });
  for (const view of ["auto", "status", "output", "basis", "events"]) {
    await call("get_task_run", { run_id: "trun_1", view });
  }
  const watched = { progressToken: "token\u0001" };
  await call("get_task_run", { run_id: "trun_2", wait_seconds: 1 }, watched);
  for (const part of ["", "/output", "/basis", "/events"]) {
    await session.request("resources/read", { uri: `task-run://trun_1${part}` });
  }
  await session.request("resources/list");
  await session.request("prompts/get", {
    name: "research",
    arguments: { question: JSON.parse(`"${DIRTY}"`) },
  });
  await call("create_task_run", { input: JSON.parse(`"${DIRTY}"`) });
  await call("create_task_run", { input: { [JSON.parse(`"${DIRTY}"`)]: "x" }, dry_run: true });
  await call("get_task_run", { run_id: JSON.parse(`"${DIRTY}"`) });
  await session.request("resources/read", { uri: "task-run://trun_9" }).catch(() => {});

  const seen = session.lines.flatMap((line) => {
    const message = JSON.parse(line);
    if (message.method !== "notifications/progress") return textsOf(message);
    expect(message.params.progressToken).toBe("token\u0001");
    return [message.params.message];
  });
  expect(seen.filter((text) => FORBIDDEN.test(text))).toEqual([]);
  expect(seen.filter((text) => text.includes(CLEAN)).length).toBeGreaterThan(20);
  expect(seen).toContainEqual(expect.stringContaining(`step ${CLEAN}`));
});

test("long numbers of an output keep their digits, and one note names their places", async () => {
  const backend = await dirtyBackend();
  const client = await connect(async () => backend);
  const { report, text } = await client.call("get_task_run", { run_id: "trun_1" });
  expect(report.output).toEqual({
    [CLEAN]: CLEAN,
    id: "653247040368672768",
    deep: [{ huge: "1e400", exact: 0.1 }],
  });
  const note =
    "Values with more digits than a number can keep are given as text, with all their digits: output.id, output.deep.0.huge.";
  expect(report.notes).toContain(note);
  expect(text).toContain(`Note: ${note}`);
  expect(text).toContain('"id": "653247040368672768"');
});

test("long numbers of an input reach the run with their digits, also inside JSON text", async () => {
  const inputs: unknown[] = [];
  const engine = await startTestEngine(async ({ input }) => {
    inputs.push(input.input);
    return textResult("done");
  });
  const backend = await backendOn(engine);
  const session = await openRawSession(async () => backend, PROTOCOL);
  const create = async (id: number, args: string) => {
    session.write(
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"create_task_run","arguments":${args}}}`,
    );
    await vi.waitFor(() => expect(session.lines.join("\n")).toContain(`"id":${id}`), 30_000);
    return session.lines.find((line) => line.includes(`"id":${id}`)) ?? "";
  };
  const spec = `{"output_schema":"A sentence.","input_schema":{"type":"json","json_schema":{"type":"object","properties":{"id":{"type":"integer","maximum":9223372036854775807}}}}}`;
  const first = await create(
    101,
    `{"input":{"id":653247040368672768},"task_spec":${spec},"wait_seconds":10}`,
  );
  await create(
    102,
    `{"input":"{\\"id\\":653247040368672769}","task_spec":${JSON.stringify(spec)},"wait_seconds":10}`,
  );
  expect(first).toContain("with all their digits: input.id.");
  expect(first).not.toContain("does not follow its schema");
  expect(inputs[0]).toEqual({ id: "653247040368672768" });
  expect(JSON.stringify(inputs[1])).toContain("653247040368672769");
});
