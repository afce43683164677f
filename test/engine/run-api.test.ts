import { expect, onTestFinished, test } from "vitest";
import { serveTaskApi } from "../../src/engine/http-api/serve.ts";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import { singleTenant } from "../../src/engine/tenants/tenants.ts";
import { call } from "./call-engine.ts";
import { deferred, startTestEngine, textResult, untilAborted } from "./start-test-engine.ts";

const question = { input: "What was the GDP of France in 2023?", processor: "base" };

test("a run is accepted as queued, performed, and its result handed to whoever waits", async () => {
  const engine = await startTestEngine(async () => textResult("About $3.05 trillion."));
  const created = await call(engine, "/v1/tasks/runs", question);
  expect(created.status).toBe(202);
  expect(created.body).toMatchObject({ status: "queued", is_active: true, processor: "base" });
  expect(created.body.run_id).toMatch(/^trun_[0-9a-f]{32}$/);
  expect(created.body.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const result = await call(engine, `/v1/tasks/runs/${created.body.run_id}/result?timeout=10`);
  expect(result.status).toBe(200);
  expect(result.body).toMatchObject({
    run: { status: "completed", is_active: false },
    output: { type: "text", content: "About $3.05 trillion." },
  });
  expect(result.body.run).not.toHaveProperty("error");
});

test("a result that is not ready in time is 408, and the run goes on", async () => {
  const release = deferred();
  const engine = await startTestEngine(async () => {
    await release.promise;
    return textResult("late");
  });
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  const early = await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=0`);
  expect(early.status).toBe(408);
  expect(early.body.error.message).toBe("Request timed out; run still active");
  release.resolve();
  const late = await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
  expect(late.status).toBe(200);
});

test("a failed run answers 404 on its result and tells its reason on the run", async () => {
  const engine = await startTestEngine(async () => {
    throw new ExecutionFailed("The document folder is gone; put it back and ask again.");
  });
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  const result = await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
  expect(result.status).toBe(404);
  const { body: failed } = await call(engine, `/v1/tasks/runs/${run.run_id}`);
  expect(failed).toMatchObject({
    status: "failed",
    is_active: false,
    error: { message: "The document folder is gone; put it back and ask again." },
  });
});

test("an internal failure does not tell the caller what is inside", async () => {
  const engine = await startTestEngine(async () => {
    throw new Error("password=hunter2 at /home/somebody");
  });
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
  const { body: failed } = await call(engine, `/v1/tasks/runs/${run.run_id}`);
  expect(failed.status).toBe("failed");
  expect(JSON.stringify(failed)).not.toContain("hunter2");
});

test.each([
  ["no input", { processor: "base" }, "body.input: input is required"],
  ["an unknown field", { ...question, colour: "red" }, "body.colour: the API knows no such field"],
  [
    "a metadata key of 17 characters",
    { ...question, metadata: { abcdefghijklmnopq: "x" } },
    "a metadata key has at most 16 characters",
  ],
  [
    "an output schema with an array root",
    { ...question, task_spec: { output_schema: { type: "json", json_schema: { type: "array" } } } },
    "body.task_spec.output_schema.json_schema",
  ],
  ["an array as input", { input: ["a"], processor: "base" }, "body.input"],
])("a create with %s is 422 and says what to do", async (_name, body, expected) => {
  const engine = await startTestEngine(async () => textResult("never"));
  const answer = await call(engine, "/v1/tasks/runs", body);
  expect(answer.status).toBe(422);
  expect(answer.body.error.message).toContain(expected);
  expect(answer.body.error.detail.errors.length).toBeGreaterThan(0);
});

test("every problem of a body is named at once", async () => {
  const engine = await startTestEngine(async () => textResult("never"));
  const answer = await call(engine, "/v1/tasks/runs", { colour: "red", memory_scope_key: "a b" });
  const paths = answer.body.error.detail.errors.map((e: { loc: string[] }) => e.loc.join("."));
  expect(paths).toEqual(
    expect.arrayContaining([
      "body.input",
      "body.processor",
      "body.colour",
      "body.memory_scope_key",
    ]),
  );
});

test("a body that is not JSON, an unknown processor, run or path, each get their own code", async () => {
  const engine = await startTestEngine(async () => textResult("never"));
  const raw = await engine.fetch(
    new Request("http://engine/v1/tasks/runs", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{",
    }),
  );
  expect(raw.status).toBe(422);
  const unknown = await call(engine, "/v1/tasks/runs", { ...question, processor: "gigantic" });
  expect(unknown.status).toBe(403);
  expect(unknown.body.error.detail.known_processors).toContain("ultra8x-fast");
  expect((await call(engine, "/v1/tasks/runs/trun_nope")).body.error.message).toBe(
    "Run id not found",
  );
  expect((await call(engine, "/v2/nothing")).status).toBe(404);
  expect((await call(engine, "/v1/tasks/runs/x/result?timeout=soon")).status).toBe(422);
});

test("with a key configured, only callers that send it are answered", async () => {
  const engine = await startTestEngine(async () => textResult("ok"), {
    tenants: singleTenant("secret-key"),
  });
  expect((await call(engine, "/v1/tasks/runs", question)).status).toBe(401);
  expect((await call(engine, "/v1/tasks/runs", question, { "x-api-key": "wrong" })).status).toBe(
    401,
  );
  expect(
    (await call(engine, "/v1/tasks/runs", question, { "x-api-key": "secret-key" })).status,
  ).toBe(202);
});

test("a body over the limit is refused with 413", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const answer = await call(engine, "/v1/tasks/runs", { ...question, input: "x".repeat(2 ** 21) });
  expect(answer.status).toBe(413);
});

test("the input comes back as it was stored, without the headers of MCP servers", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const input = {
    ...question,
    mcp_servers: [
      {
        type: "url",
        url: "https://mcp.example.com/mcp",
        name: "m",
        headers: { authorization: "s3cret" },
      },
    ],
  };
  const { body: run } = await call(engine, "/v1/tasks/runs", input);
  const stored = await call(engine, `/v1/tasks/runs/${run.run_id}/input`);
  expect(stored.body).toMatchObject(question);
  expect(JSON.stringify(stored.body)).not.toContain("s3cret");
});

test("a running run that is cancelled is told to stop, and ends as cancelled", async () => {
  const started = deferred();
  const stopped = deferred<unknown>();
  const engine = await startTestEngine(async ({ signal }) => {
    started.resolve();
    return untilAborted(signal).catch((reason: unknown) => {
      stopped.resolve(reason);
      throw reason;
    });
  });
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  await started.promise;
  const cancelled = await call(engine, `/v1/tasks/runs/${run.run_id}/cancel`, {});
  expect(cancelled.status).toBe(200);
  expect(["cancelling", "cancelled"]).toContain(cancelled.body.status);
  await stopped.promise;
  const result = await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
  expect(result.status).toBe(404);
  expect((await call(engine, `/v1/tasks/runs/${run.run_id}`)).body).toMatchObject({
    status: "cancelled",
    is_active: false,
  });
  const again = await call(engine, `/v1/tasks/runs/${run.run_id}/cancel`, {});
  expect(again.status).toBe(409);
  expect(again.body.error.detail).toEqual({ status: "cancelled" });
});

test("a result that comes after the cancel is discarded", async () => {
  const started = deferred();
  const finish = deferred();
  const engine = await startTestEngine(async () => {
    started.resolve();
    await finish.promise;
    return textResult("too late");
  });
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  await started.promise;
  const cancelled = await call(engine, `/v1/tasks/runs/${run.run_id}/cancel`, {});
  expect(cancelled.body.status).toBe("cancelling");
  // Asking twice changes nothing.
  expect(await call(engine, `/v1/tasks/runs/${run.run_id}/cancel`, {})).toMatchObject({
    status: 200,
    body: cancelled.body,
  });
  finish.resolve();
  await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
  expect((await call(engine, `/v1/tasks/runs/${run.run_id}`)).body.status).toBe("cancelled");
});

test("a queued run is cancelled at once and never performed", async () => {
  const started = deferred();
  const performed: unknown[] = [];
  const engine = await startTestEngine(
    async ({ input, signal }) => {
      performed.push(input.input);
      started.resolve();
      return untilAborted(signal);
    },
    { concurrency: 1 },
  );
  const { body: first } = await call(engine, "/v1/tasks/runs", { ...question, input: "first" });
  const { body: second } = await call(engine, "/v1/tasks/runs", { ...question, input: "second" });
  await started.promise;
  const cancelled = await call(engine, `/v1/tasks/runs/${second.run_id}/cancel`, {});
  expect(cancelled.body.status).toBe("cancelled");
  await call(engine, `/v1/tasks/runs/${first.run_id}/cancel`, {});
  await call(engine, `/v1/tasks/runs/${first.run_id}/result?timeout=10`);
  expect(performed).toEqual(["first"]);
});

test("runs are listed newest first, by status and page by page", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    const { body } = await call(engine, "/v1/tasks/runs", question);
    await call(engine, `/v1/tasks/runs/${body.run_id}/result?timeout=10`);
    ids.unshift(body.run_id);
  }
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "limit=2" : `limit=2&cursor=${cursor}`;
    const { body } = await call(engine, `/v1/tasks/runs?${query}`);
    seen.push(...body.runs.map((run: { run_id: string }) => run.run_id));
    cursor = body.next_cursor;
  } while (cursor !== null);
  expect(seen).toEqual(ids);
  expect((await call(engine, "/v1/tasks/runs?status=failed")).body.runs).toEqual([]);
  expect((await call(engine, "/v1/tasks/runs?cursor=nonsense")).status).toBe(422);
  expect((await call(engine, "/v1/tasks/runs?limit=1000")).status).toBe(422);
});

test("the event stream starts with a state, tells the steps, and ends with the output", async () => {
  const go = deferred();
  const engine = await startTestEngine(async ({ report }) => {
    await go.promise;
    await report({ type: "task_run.progress_msg.search", message: "Query: GDP France" });
    await report({ type: "task_run.progress_stats", progress_meter: 20 });
    await report({ type: "task_run.progress_stats", progress_meter: 60 });
    return textResult("done");
  });
  const server = await serveTaskApi((request) => engine.fetch(request), {
    host: "127.0.0.1",
    port: 0,
  });
  onTestFinished(() => server.close());
  const { body: run } = await call(engine, "/v1/tasks/runs", { ...question, enable_events: true });
  const live = await fetch(`${server.url}/v1/tasks/runs/${run.run_id}/events`);
  expect(live.headers.get("content-type")).toContain("text/event-stream");
  go.resolve();
  const events = readEventStream(await live.text());
  expect(events[0]).toMatchObject({ type: "task_run.state", run: { run_id: run.run_id } });
  expect(events.at(-1)).toMatchObject({
    type: "task_run.state",
    run: { status: "completed" },
    output: { content: "done" },
  });
  expect(events).toContainEqual(
    expect.objectContaining({ type: "task_run.progress_msg.search", message: "Query: GDP France" }),
  );

  const replay = readEventStream(
    await (await fetch(`${server.url}/v1/tasks/runs/${run.run_id}/events`)).text(),
  );
  expect(replay.map((event) => event.type)).toEqual([
    "task_run.state",
    "task_run.progress_msg.search",
    "task_run.progress_stats",
    "task_run.state",
  ]);
  expect(replay[2]).toMatchObject({ progress_meter: 60 });
});

// Source: Task API, 4.1.
test.each([
  ["base", undefined, false],
  ["core2x-fast", null, false],
  ["pro", undefined, true],
  ["ultra8x-fast", null, true],
  ["base", true, true],
  ["ultra", false, false],
])(
  "a run on %s with enable_events %s has progress events: %s",
  async (processor, enableEvents, isRecorded) => {
    const engine = await startTestEngine(async ({ report }) => {
      await report({ type: "task_run.progress_msg.plan", message: "a step" });
      return textResult("done");
    });
    const body = { ...question, processor, enable_events: enableEvents };
    const { body: run } = await call(engine, "/v1/tasks/runs", body);
    await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
    const response = await engine.fetch(
      new Request(`http://engine/v1/tasks/runs/${run.run_id}/events`),
    );
    const types = new Set(readEventStream(await response.text()).map((event) => event.type));
    expect(types.has("task_run.progress_msg.plan")).toBe(isRecorded);
    expect(types.has("task_run.state")).toBe(true);
  },
);

test("a timeout beyond the longest is refused with the bounds it has", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  for (const timeout of ["3601", "-1", "1.5", "soon"]) {
    const answer = await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=${timeout}`);
    expect(answer.status).toBe(422);
    expect(answer.body.error.message).toMatch(/query\.timeout: .*0 to 3600/);
  }
  const { body: group } = await call(engine, "/v1/tasks/groups", {});
  const path = `/v1/tasks/groups/${group.taskgroup_id}/events`;
  expect((await call(engine, `${path}?timeout=3601`)).body.error.message).toContain("0 to 3600");
  const list = await call(engine, "/v1/tasks/runs?limit=101");
  expect(list.body.error.message).toContain("1 to 100");
});

test("an output that does not conform to its schema fails the run where the operator says so", async () => {
  const schema = { type: "object", properties: { gdp: { type: "number" } }, required: ["gdp"] };
  const asked = {
    ...question,
    task_spec: { output_schema: { type: "json", json_schema: schema } },
  };
  const output = { type: "json" as const, content: { gdp: null }, basis: [] };
  const perform = async (strictOutput: boolean) => {
    const engine = await startTestEngine(async () => ({ output, warnings: [] }), { strictOutput });
    const { body: run } = await call(engine, "/v1/tasks/runs", asked);
    await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
    return (await call(engine, `/v1/tasks/runs/${run.run_id}`)).body;
  };
  const lenient = await perform(false);
  expect(lenient.status).toBe("completed");
  expect(lenient.warnings.at(-1).message).toContain("/gdp must be number");
  const strict = await perform(true);
  expect(strict.status).toBe("failed");
  expect(strict.error.message).toContain("/gdp must be number");
});

function readEventStream(text: string): { type: string }[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => JSON.parse(line.slice("data: ".length)));
}

test("what is questionable about a task spec is a warning of the run, from the start to the end", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const jsonSchema = { type: "object", properties: { gdp: { type: ["number", "null"] } } };
  const { body: run } = await call(engine, "/v1/tasks/runs", {
    ...question,
    task_spec: { output_schema: { type: "json", json_schema: jsonSchema } },
  });
  const messages = (warnings: { message: string }[]) => warnings.map(({ message }) => message);
  expect(messages(run.warnings).join()).toMatch(/required/);
  const { body: result } = await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
  expect(messages(result.run.warnings)).toEqual(
    expect.arrayContaining([...messages(run.warnings), expect.stringContaining("does not follow")]),
  );
});
