import { once } from "node:events";
import { expect, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { call } from "./call-engine.ts";
import { listen, openSocket, readToEnd } from "./raw-http.ts";
import { type StreamedEvent, readAllEvents, readEvents } from "./read-event-stream.ts";
import { deferred, startTestEngine, textResult, untilAborted } from "./start-test-engine.ts";

const question = { input: "q", processor: "pro" };

async function createRun(engine: Engine): Promise<string> {
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  return run.run_id;
}

/** What tells an event from the others of these tests. */
function key({ data }: StreamedEvent): string {
  return data.type === "task_run.state" ? `state ${data.run.status}` : data.message;
}

test("a stream that breaks anywhere continues after the last event, without loss or duplicates", async () => {
  const messages = ["one", "two", "three", "four", "five"];
  const engine = await startTestEngine(async ({ report }) => {
    for (const message of messages) {
      await report({ type: "task_run.progress_msg.search", message });
    }
    return textResult("done");
  });
  const { url } = await listen(engine);
  const runId = await createRun(engine);
  await call(engine, `/v1/tasks/runs/${runId}/result?timeout=10`);
  const open = (lastEventId?: string) =>
    fetch(`${url}/v1/tasks/runs/${runId}/events`, {
      headers: lastEventId === undefined ? {} : { "last-event-id": lastEventId },
    });

  const whole = await readAllEvents(await open());
  expect(whole.map(key)).toEqual(["state completed", ...messages, "state completed"]);
  const [opening, ...rest] = whole;
  expect(opening?.id).toBeUndefined();
  for (const [index, { id }] of rest.slice(0, -1).entries()) {
    expect(id).toMatch(/^\d+$/);
    const continued = await readAllEvents(await open(id));
    expect(continued.map(key)).toEqual(rest.slice(index + 1).map(key));
  }
  const afterAll = await open(rest.at(-1)?.id);
  expect([afterAll.status, await afterAll.text()]).toEqual([204, ""]);
});

test("a stream that is opened again while the run goes on has what came in between and what comes", async () => {
  const steps = [deferred(), deferred()];
  const engine = await startTestEngine(async ({ report }) => {
    await report({ type: "task_run.progress_msg.search", message: "one" });
    await steps[0]?.promise;
    await report({ type: "task_run.progress_msg.search", message: "two" });
    await steps[1]?.promise;
    await report({ type: "task_run.progress_msg.search", message: "three" });
    return textResult("done");
  });
  const { url } = await listen(engine);
  const runId = await createRun(engine);
  const open = (headers: Record<string, string> = {}) =>
    fetch(`${url}/v1/tasks/runs/${runId}/events`, { headers });

  let lastId = "";
  for await (const event of readEvents(await open())) {
    if (event.id) lastId = event.id;
    // Leaving the loop cuts the connection.
    if (event.data.message === "one") break;
  }
  steps[0]?.resolve();
  const watcher = readEvents(await open());
  for await (const { data } of watcher) if (data.message === "two") break;
  const continued = readEvents(await open({ "last-event-id": lastId }));
  const first = await continued.next();
  steps[1]?.resolve();
  const rest: StreamedEvent[] = [];
  for await (const event of continued) rest.push(event);
  expect([first.value, ...rest].map(key)).toEqual(["two", "three", "state completed"]);
  expect(rest.at(-1)?.data.output).toMatchObject({ content: "done" });
});

test("states come in their order, each once, and only the last has the output", async () => {
  const opened = deferred();
  const engine = await startTestEngine(
    async ({ input, report, signal }) => {
      if (input.input === "in the way") return untilAborted(signal);
      await report({ type: "task_run.progress_msg.search", message: "at work" });
      return textResult("done");
    },
    { concurrency: 1 },
  );
  const { url } = await listen(engine);
  const { body: first } = await call(engine, "/v1/tasks/runs", {
    ...question,
    input: "in the way",
  });
  const runId = await createRun(engine);
  const events: StreamedEvent[] = [];
  const reading = (async () => {
    for await (const event of readEvents(await fetch(`${url}/v1/tasks/runs/${runId}/events`))) {
      events.push(event);
      opened.resolve();
    }
  })();
  await opened.promise;
  await call(engine, `/v1/tasks/runs/${first.run_id}/cancel`, {});
  await reading;
  expect(events.map(key)).toEqual(["state queued", "state running", "at work", "state completed"]);
  const outputs = events.filter(({ data }) => data.output);
  expect(outputs).toEqual([events.at(-1)]);
  const ids = events.slice(1).map(({ id }) => Number(id));
  expect(ids).toEqual(ids.toSorted((a, b) => a - b));
});

test.each(["nonsense", "0", "-1", "1.5", "99", "9".repeat(30)])(
  "a Last-Event-ID that the stream never had (%s) is refused, not taken for the start",
  async (lastEventId) => {
    const engine = await startTestEngine(async () => textResult("done"));
    const runId = await createRun(engine);
    await call(engine, `/v1/tasks/runs/${runId}/result?timeout=10`);
    const answer = await call(engine, `/v1/tasks/runs/${runId}/events`, undefined, {
      "last-event-id": lastEventId,
    });
    expect(answer.status).toBe(422);
    expect(answer.body.error.detail.errors[0].loc).toEqual(["header", "last-event-id"]);
  },
);

test("the old path of the stream still works, behind the same key", async () => {
  const engine = await startTestEngine(async () => textResult("done"));
  const { url } = await listen(engine);
  const runId = await createRun(engine);
  const events = await readAllEvents(await fetch(`${url}/v1beta/tasks/runs/${runId}/events`));
  expect(events.map(key).at(-1)).toBe("state completed");
});

test("a stream that is idle carries comments", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal), {
    limits: { streamKeepAliveMs: 10 },
  });
  const { url } = await listen(engine);
  const runId = await createRun(engine);
  const response = await fetch(`${url}/v1/tasks/runs/${runId}/events`);
  let text = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.split(": keep-alive\n\n").length > 3) break;
  }
  expect(text).toContain("event: task_run.state");
});

test("a tenant has so many streams; the next one is told when to come back, others are not concerned", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal), {
    limits: { streamsPerTenant: 2 },
    tenants: {
      find: (apiKey = "") => ({ id: apiKey, budgetUsd: null, createsPerMinute: null }),
    },
  });
  const { url } = await listen(engine);
  async function openStream(apiKey: string, signal?: AbortSignal) {
    const headers = { "x-api-key": apiKey };
    const { body: run } = await call(engine, "/v1/tasks/runs", question, headers);
    const path = `/v1/tasks/runs/${run.run_id}/events`;
    const response = await fetch(url + path, { headers, ...(signal && { signal }) });
    return response;
  }
  const abort = new AbortController();
  const opened = [await openStream("a", abort.signal), await openStream("a")];
  for (const response of opened) expect(response.status).toBe(200);
  const refused = await openStream("a");
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({ error: { message: /2 event streams are open/ } });
  expect((await openStream("b")).status).toBe(200);
  abort.abort();
  // Told by its connection, which takes a moment.
  await expect.poll(async () => (await openStream("a")).status).toBe(200);
});

test("a client that stops reading is dropped, holds nothing back, and can read everything again", async () => {
  // More than the two operating systems on the way keep for a client.
  const messages = Array.from({ length: 24 }, (_, i) => `${i} ${"x".repeat(1024 * 1024)}`);
  const engine = await startTestEngine(async ({ report }) => {
    for (const message of messages) {
      await report({ type: "task_run.progress_msg.search", message });
    }
    return textResult("done");
  });
  const { url, port } = await listen(engine, {
    limits: { unreadMs: 400, slowestBytesPerSecond: 100 * 1024 * 1024 },
  });
  const runId = await createRun(engine);
  await call(engine, `/v1/tasks/runs/${runId}/result?timeout=10`);

  const socket = await openSocket(port);
  socket.pause();
  socket.write(`GET /v1/tasks/runs/${runId}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const metrics = async () => (await fetch(`${url}/metrics`)).text();
  await expect.poll(metrics).toContain("task_run_open_streams 1");
  // Meanwhile everybody else is served, and in the end the stream is gone with its connection.
  await expect.poll(metrics).toContain("task_run_open_streams 0");
  const received = await readToEnd(socket);
  expect(received).toContain(`"message":"0 x`);
  expect(received).not.toContain(`"message":"23 x`);

  const events = await readAllEvents(await fetch(`${url}/v1/tasks/runs/${runId}/events`));
  const replayed = events.slice(1, -1).map(({ data }) => data.message);
  expect(replayed).toEqual(messages);
});

test("a client that reads slowly, but reads, is not dropped", async () => {
  const text = "x".repeat(16 * 1024 * 1024);
  const engine = await startTestEngine(async () => textResult(text));
  const limits = { unreadMs: 100, slowestBytesPerSecond: 1024 * 1024 };
  const { port } = await listen(engine, { limits });
  const runId = await createRun(engine);
  await call(engine, `/v1/tasks/runs/${runId}/result?timeout=10`);
  const socket = await openSocket(port);
  socket.write(
    `GET /v1/tasks/runs/${runId}/result HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
  );
  let bytes = 0;
  const startedMs = performance.now();
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    socket.pause();
    setTimeout(() => socket.resume(), 3);
  });
  await once(socket, "close");
  expect(bytes).toBeGreaterThan(text.length);
  // Else this would not have been slow.
  expect(performance.now() - startedMs).toBeGreaterThan(2 * limits.unreadMs);
});
