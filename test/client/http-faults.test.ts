import type { ServerResponse } from "node:http";
import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  BackendFailed,
  BackendTimedOut,
  BackendUnreachable,
  CancelNotSupported,
  Forbidden,
  GroupCancelNotSupported,
  GroupNotFound,
  InsufficientCredit,
  InvalidRequest,
  ProcessorRefused,
  RateLimited,
  RequestRejected,
  RequestTooLarge,
  RunNotFound,
  RunStillActive,
  TaskApiError,
  Unauthorized,
  UnreadableAnswer,
} from "../../src/client/errors.ts";
import { createEventReader } from "../../src/client/http/read-response.ts";
import type { RetryPolicy } from "../../src/client/http/retry-policy.ts";
import { defaultRetryPolicy } from "../../src/client/http/retry-policy.ts";
import type { TaskApiClient } from "../../src/client/task-api-client.ts";
import { RunEvent } from "../../src/task-api/run-event.ts";
import { deferred } from "../engine/start-test-engine.ts";
import { collect, errorOf, everythingIn, iterate } from "./capture.ts";
import { connectOverNetwork, startLoopbackServer } from "./loopback-server.ts";
import { createManualClock } from "./manual-clock.ts";

const KEY = 'sk-marked/"key"';
const question = { input: "What was the GDP of France in 2023?", processor: "base" };
const once: RetryPolicy = { ...defaultRetryPolicy, maxAttempts: 1 };

/** A backend on a real socket that answers every request in the given way, and a client of it. */
async function connectTo(
  answer: (response: ServerResponse, attempt: number) => void,
  retryPolicy: RetryPolicy = once,
) {
  const clock = createManualClock();
  let attempts = 0;
  const server = await startLoopbackServer((_request, response) => {
    attempts += 1;
    answer(response, attempts);
  });
  const client = connectOverNetwork({ baseUrl: server.url, apiKey: KEY, retryPolicy, clock });
  return { client, clock, requests: server.requests };
}

const answerJson =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
const apiError = (message: string, detail: unknown = null) => ({
  type: "error",
  error: { ref_id: "ref-1", message, detail },
});

describe("statuses become errors named for their cause", () => {
  type Act = (client: TaskApiClient) => Promise<unknown>;
  const create: Act = (client) => client.createRun(question);
  const retrieve: Act = (client) => client.retrieveRun("trun_1");
  const result: Act = (client) => client.retrieveResult("trun_1", { timeoutSeconds: 1 });
  const input: Act = (client) => client.retrieveInput("trun_1");
  const events: Act = (client) => collect(client.streamEvents("trun_1"));
  const cancel: Act = (client) => client.cancelRun("trun_1");
  const list: Act = (client) => client.listRuns({});
  const newGroup: Act = (client) => client.createGroup({});
  const add: Act = (client) => client.addRuns("tgrp_1", { inputs: [question] });
  const group: Act = (client) => client.retrieveGroup("tgrp_1");
  const groupRuns: Act = (client) => collect(client.streamGroupRuns("tgrp_1", {}));
  const groupEvents: Act = (client) => collect(client.streamGroupEvents("tgrp_1", {}));
  const cancelGroup: Act = (client) => client.cancelGroup("tgrp_1");

  test.each([
    ["create", create, 400, RequestRejected],
    ["create", create, 401, Unauthorized],
    ["create", create, 402, InsufficientCredit],
    ["create", create, 403, ProcessorRefused],
    ["create", create, 404, RequestRejected],
    ["create", create, 409, RequestRejected],
    ["create", create, 413, RequestTooLarge],
    ["create", create, 415, RequestRejected],
    ["create", create, 418, RequestRejected],
    ["create", create, 422, InvalidRequest],
    ["create", create, 429, RateLimited],
    ["create", create, 500, BackendFailed],
    ["create", create, 302, UnreadableAnswer],
    ["retrieve", retrieve, 401, Unauthorized],
    ["retrieve", retrieve, 403, Forbidden],
    ["retrieve", retrieve, 404, RunNotFound],
    ["retrieve", retrieve, 405, RequestRejected],
    ["retrieve", retrieve, 408, BackendTimedOut],
    ["retrieve", retrieve, 503, BackendFailed],
    ["result", result, 404, RunNotFound],
    ["result", result, 408, RunStillActive],
    ["input", input, 404, RunNotFound],
    ["events", events, 404, RunNotFound],
    ["events", events, 502, BackendFailed],
    ["cancel", cancel, 404, CancelNotSupported],
    ["cancel", cancel, 405, CancelNotSupported],
    ["cancel", cancel, 409, RequestRejected],
    ["list", list, 404, RequestRejected],
    ["list", list, 405, RequestRejected],
    ["new group", newGroup, 403, Forbidden],
    ["new group", newGroup, 404, RequestRejected],
    ["new group", newGroup, 422, InvalidRequest],
    ["add", add, 402, InsufficientCredit],
    ["add", add, 403, ProcessorRefused],
    ["add", add, 404, GroupNotFound],
    ["add", add, 413, RequestTooLarge],
    ["add", add, 422, InvalidRequest],
    ["add", add, 429, RateLimited],
    ["group", group, 404, GroupNotFound],
    ["group", group, 405, RequestRejected],
    ["group runs", groupRuns, 404, GroupNotFound],
    ["group events", groupEvents, 404, GroupNotFound],
    ["group events", groupEvents, 503, BackendFailed],
    ["cancel group", cancelGroup, 404, GroupCancelNotSupported],
    ["cancel group", cancelGroup, 405, GroupCancelNotSupported],
  ])("%s: %3$s for %2$i", async (_name, act, status, expected) => {
    const { client, clock } = await connectTo(answerJson(status, apiError("their words")));
    const error = await errorOf(act(client));
    expect(error).toBeInstanceOf(expected);
    expect(error).toMatchObject({
      name: expected.name,
      status,
      refId: "ref-1",
      upstreamMessage: "their words",
      notProcessed: status >= 300 && status < 500 && expected !== BackendTimedOut,
    });
    expect(String(error)).not.toContain("their words");
    expect(clock.sleepers).toBe(0);
  });
});

test("408 of a gateway does not say that the run is still active", async () => {
  const { client } = await connectTo((response) => response.writeHead(408).end("<html>"));
  const error = await errorOf(client.retrieveResult("trun_1", { timeoutSeconds: 1 }));
  expect(error).toBeInstanceOf(BackendTimedOut);
});

test("a rejected request tells its problems, without the input the server repeats", async () => {
  const problem = { type: "missing", loc: ["body", "input"], msg: "Field required" };
  const body = apiError("bad", { errors: [{ ...problem, input: { authorization: "hush" } }] });
  const { client } = await connectTo(answerJson(422, body));
  const error = await errorOf(client.createRun(question));
  expect(error).toMatchObject({ problems: [problem] });
  expect(everythingIn(error)).not.toContain("hush");
});

test("the validation list of the group endpoints is read too", async () => {
  const detail = [{ type: "missing", loc: ["body", "inputs"], msg: "Field required" }];
  const { client } = await connectTo(answerJson(422, { detail }));
  expect(await errorOf(client.createRun(question))).toMatchObject({
    upstreamMessage: "body.inputs: Field required",
    problems: detail,
  });
});

test("a gateway's endless HTML page is a failed backend, and only its beginning is read", async () => {
  const { client } = await connectTo((response) => {
    response.writeHead(502, { "content-type": "text/html" });
    response.write("<html>".repeat(20_000));
  });
  const error = await errorOf(client.retrieveRun("trun_1"));
  expect(error).toBeInstanceOf(BackendFailed);
  expect(error).toMatchObject({ status: 502, upstreamMessage: null });
});

test("what the backend says is bounded", async () => {
  const { client } = await connectTo(answerJson(422, apiError("x".repeat(60_000))));
  const error = await errorOf(client.createRun(question));
  expect(error).toMatchObject({ upstreamMessage: `${"x".repeat(499)}…` });
});

test.each([
  [{ "retry-after": "7" }, 7_000],
  [{ "retry-after": "Tue, 24 Nov 2026 12:00:30 GMT" }, 30_000],
  [{ "retry-after": "Tue, 24 Nov 2026 11:00:00 GMT" }, 0],
  [{ "retry-after-ms": "1500", "retry-after": "7" }, 1_500],
  [{ "retry-after": "99999999" }, 3_600_000],
  [{ "retry-after": "soon" }, null],
  [{}, null],
])("Retry-After %j asks for a pause of %s ms", async (headers, retryAfterMs) => {
  const { client } = await connectTo(answerJson(429, apiError("slow down"), { ...headers }));
  expect(await errorOf(client.retrieveRun("trun_1"))).toMatchObject({ retryAfterMs });
});

describe("answers that are not the Task API's", () => {
  test.each([
    ["HTML with status 200", "<html>Please log in</html>"],
    ["nothing", ""],
    ["truncated JSON", '{"run_id":"trun_1","sta'],
    ["JSON of another shape", '{"hello":"world"}'],
    ["a run without id and status", '{"is_active":true,"processor":"base"}'],
  ])("%s cannot be read", async (_name, body) => {
    const { client, requests } = await connectTo((response) => response.end(body), {
      ...defaultRetryPolicy,
    });
    const error = await errorOf(client.retrieveRun("trun_1"));
    expect(error).toBeInstanceOf(UnreadableAnswer);
    expect(error).toMatchObject({ status: 200, notProcessed: false });
    expect(requests).toHaveLength(1);
  });

  test("a redirect is not followed: the key stays with the backend it belongs to", async () => {
    const { client, requests } = await connectTo((response) =>
      response.writeHead(307, { location: "/elsewhere" }).end(),
    );
    expect(await errorOf(client.retrieveRun("trun_1"))).toBeInstanceOf(UnreadableAnswer);
    expect(requests).toEqual(["GET /v1/tasks/runs/trun_1"]);
  });
});

describe("repeats", () => {
  const run = {
    run_id: "trun_1",
    status: "queued",
    is_active: true,
    processor: "base",
  };

  test("a read outlives a reset, a 503 and a 429, with growing pauses", async () => {
    const { client, clock, requests } = await connectTo((response, attempt) => {
      if (attempt === 1) response.socket?.resetAndDestroy();
      else if (attempt === 2) response.writeHead(503).end("<html>");
      else if (attempt === 3) answerJson(429, apiError("busy"), { "retry-after": "4" })(response);
      else answerJson(200, run)(response);
    }, defaultRetryPolicy);
    const pauses = () => clock.sleeps.filter((ms) => ms !== 10_000);
    const reading = client.retrieveRun("trun_1");
    for (const nth of [1, 2, 3]) {
      await clock.until(() => pauses().length === nth);
      clock.advance(pauses().at(-1) ?? 0);
    }
    expect(await reading).toMatchObject(run);
    expect(requests).toHaveLength(4);
    const [afterReset = 0, after503 = 0, after429 = 0] = pauses();
    expect(afterReset).toBeLessThanOrEqual(500);
    expect(after503).toBeGreaterThan(afterReset);
    expect(after429).toBe(4_000);
    expect(clock.sleepers).toBe(0);
  });

  test.each([
    ["a reset", (response: ServerResponse) => response.socket?.resetAndDestroy()],
    ["a 503", (response: ServerResponse) => response.writeHead(503).end()],
    [
      "half an answer",
      (response: ServerResponse) => {
        response.writeHead(202, { "content-length": "500" });
        response.write('{"run_id":', () => response.destroy());
      },
    ],
  ])(
    "a create is not sent again after %s, because it may have been accepted",
    async (_name, fault) => {
      const { client, requests } = await connectTo(fault, defaultRetryPolicy);
      const error = await errorOf(client.createRun(question));
      expect(error).toMatchObject({ notProcessed: false });
      expect(requests).toHaveLength(1);
    },
  );

  test("a create that was refused with 429 is sent again", async () => {
    const { client, clock, requests } = await connectTo((response, attempt) => {
      if (attempt === 1) answerJson(429, apiError("busy"), { "retry-after": "2" })(response);
      else answerJson(202, run)(response);
    }, defaultRetryPolicy);
    const creating = client.createRun(question);
    await clock.until(() => clock.sleeps.includes(2_000));
    clock.advance(2_000);
    expect(await creating).toMatchObject(run);
    expect(requests).toHaveLength(2);
  });

  test("a pause between repeats ends at once when the caller leaves", async () => {
    const { client, clock, requests } = await connectTo(
      (response) => response.writeHead(503).end(),
      defaultRetryPolicy,
    );
    const leaving = new AbortController();
    const reading = errorOf(client.retrieveRun("trun_1", { signal: leaving.signal }));
    await clock.until(() => clock.sleeps.some((ms) => ms <= 500));
    leaving.abort("had enough");
    expect(await reading).toBe("had enough");
    expect(requests).toHaveLength(1);
    expect(clock.sleepers).toBe(0);
  });
});

describe("no connection", () => {
  /** An address where nothing listens: the port was free a moment ago. */
  async function deadUrl(): Promise<string> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    if (address === null || typeof address === "string") throw new Error("no port");
    return `http://127.0.0.1:${address.port}`;
  }

  test.each(["127.0.0.1", "localhost"])(
    "a refused connection to %s was surely not accepted",
    async (host) => {
      const baseUrl = (await deadUrl()).replace("127.0.0.1", host);
      const client = connectOverNetwork({ baseUrl, apiKey: KEY, retryPolicy: once });
      const error = await errorOf(client.createRun(question));
      expect(error).toBeInstanceOf(BackendUnreachable);
      expect(error).toMatchObject({ notProcessed: true, status: null });
      expect(String(error)).toContain("ECONNREFUSED");
    },
  );

  test("a refused create is sent again, since nothing can have happened", async () => {
    const clock = createManualClock();
    const client = connectOverNetwork({ baseUrl: await deadUrl(), apiKey: KEY, clock });
    const creating = errorOf(client.createRun(question));
    const pauses = () => clock.sleeps.filter((ms) => ms !== 30_000);
    for (const nth of [1, 2, 3]) {
      await clock.until(() => pauses().length === nth);
      clock.advance(pauses().at(-1) ?? 0);
    }
    expect(await creating).toBeInstanceOf(BackendUnreachable);
    expect(clock.sleepers).toBe(0);
  });

  test("a name that does not resolve was surely not accepted", async () => {
    const client = connectOverNetwork({ baseUrl: "http://nowhere.invalid", retryPolicy: once });
    const error = await errorOf(client.createRun(question));
    expect(error).toBeInstanceOf(BackendUnreachable);
    expect(error).toMatchObject({ notProcessed: true });
  });

  test("an answer that is no HTTP leaves it open whether the request was accepted", async () => {
    const server = createServer((socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const baseUrl = `http://127.0.0.1:${address.port}`;
    const client = connectOverNetwork({ baseUrl, apiKey: KEY, retryPolicy: once });
    const error = await errorOf(client.createRun(question));
    expect(error).toBeInstanceOf(BackendUnreachable);
    expect(error).toMatchObject({ notProcessed: false });
  });
});

describe("time limits", () => {
  test.each([
    ["never answers", (_response: ServerResponse) => {}],
    [
      "stops in the middle of its answer",
      (response: ServerResponse) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.write('{"run_id":');
      },
    ],
  ])("a backend that %s has timed out, and is not asked again", async (_name, fault) => {
    const isThere = deferred();
    const { client, clock, requests } = await connectTo((response) => {
      fault(response);
      isThere.resolve();
    }, defaultRetryPolicy);
    const creating = errorOf(client.createRun(question));
    await isThere.promise;
    await clock.until(() => clock.sleepers === 1);
    clock.advance(30_000);
    const error = await creating;
    expect(error).toBeInstanceOf(BackendTimedOut);
    expect(error).toMatchObject({ notProcessed: false });
    expect(requests).toHaveLength(1);
    expect(clock.sleepers).toBe(0);
  });

  test("a long poll may take as long as it asked for, and a little more", async () => {
    const { client, clock } = await connectTo(() => {});
    const polling = errorOf(client.retrieveResult("trun_1", { timeoutSeconds: 25 }));
    await clock.until(() => clock.sleepers === 1);
    expect(clock.sleeps).toEqual([35_000]);
    clock.advance(35_000);
    expect(await polling).toBeInstanceOf(BackendTimedOut);
  });

  test("the caller's abort wins over everything, with the caller's own reason", async () => {
    const { client, clock } = await connectTo(() => {});
    const reason = new Error("the agent hung up");
    const leaving = new AbortController();
    const reading = errorOf(client.retrieveRun("trun_1", { signal: leaving.signal }));
    leaving.abort(reason);
    expect(await reading).toBe(reason);
    expect(await errorOf(client.retrieveRun("trun_1", { signal: leaving.signal }))).toBe(reason);
    expect(clock.sleepers).toBe(0);
  });
});

describe("event streams", () => {
  const state = (status: string) => ({
    type: "task_run.state",
    event_id: null,
    run: { run_id: "trun_1", status, is_active: status === "running", processor: "pro" },
  });
  const openStream = (response: ServerResponse) =>
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  const frame = (event: unknown) => `data: ${JSON.stringify(event)}\n\n`;

  test("comments, unknown types, broken JSON and frames without data are passed over", async () => {
    const { client } = await connectTo((response) => {
      openStream(response);
      response.write(": keep-alive\n\nretry: 10\nid: 7\n\n");
      response.write(frame(state("running")));
      response.write(frame({ type: "task_run.celebration", confetti: true }));
      response.write('event: task_run.state\ndata: {"type":"task_run.state","ru\n\n');
      response.write(frame({ type: "task_run.state", run: { run_id: "trun_1" } }));
      response.write("event: task_run.state\n\n");
      response.write(frame({ type: "task_run.progress_msg.dance", message: "new kind" }));
      response.write(`event: lies\r\ndata: ${JSON.stringify(state("completed"))}\r\n\r\n`);
      response.end(`data: ${JSON.stringify(state("failed"))}`);
    });
    const events = await collect(client.streamEvents("trun_1"));
    expect(events.map(({ type }) => type)).toEqual([
      "task_run.state",
      "task_run.progress_msg.dance",
      "task_run.state",
    ]);
  });

  test("characters split between chunks arrive whole", () => {
    const event = { type: "task_run.progress_msg.plan", message: "Zürich → 東京", timestamp: null };
    const read = createEventReader(RunEvent, undefined);
    const bytes = [...Buffer.from(frame(event))];
    expect(bytes.flatMap((byte) => [...read(Uint8Array.of(byte))])).toEqual([event]);
  });

  test("a connection that breaks in the middle is an error after the events before it", async () => {
    const { client } = await connectTo((response) => {
      openStream(response);
      response.write(frame(state("running")), () => response.socket?.resetAndDestroy());
    });
    const stream = iterate(client.streamEvents("trun_1"));
    expect(await stream.next()).toMatchObject({ value: state("running") });
    expect(await errorOf(stream.next())).toBeInstanceOf(BackendUnreachable);
  });

  test("a stream that does not begin has timed out soon: something on the way holds it back", async () => {
    const opened = deferred();
    const { client, clock } = await connectTo((response) => {
      openStream(response).flushHeaders();
      opened.resolve();
    });
    const silence = errorOf(collect(client.streamEvents("trun_1")));
    await opened.promise;
    clock.advance(10_000);
    expect(await silence).toBeInstanceOf(BackendTimedOut);
    expect(clock.sleepers).toBe(0);
  });

  test("a stream that falls silent has timed out; a comment alone keeps it alive", async () => {
    let response: ServerResponse | undefined;
    const { client, clock } = await connectTo((opened) => {
      response = opened;
      openStream(opened);
      opened.write(frame(state("running")));
    });
    const stream = iterate(client.streamEvents("trun_1"));
    await stream.next();
    clock.advance(50_000);
    response?.write(`: keep-alive\n\n${frame(state("running"))}`);
    await stream.next();
    clock.advance(50_000);
    // The limit counts from the last byte: there is time left.
    expect(clock.sleepers).toBe(1);
    const silence = errorOf(stream.next());
    clock.advance(10_000);
    expect(await silence).toBeInstanceOf(BackendTimedOut);
    expect(clock.sleepers).toBe(0);
  });

  test("an answer of another kind is not read as a stream, and its connection is closed", async () => {
    const closed = deferred();
    const { client } = await connectTo((response) => {
      response.once("close", closed.resolve);
      response.writeHead(200, { "content-type": "application/json" });
      response.write("[");
    });
    const error = await errorOf(collect(client.streamEvents("trun_1")));
    expect(error).toBeInstanceOf(UnreadableAnswer);
    await closed.promise;
  });

  test("a frame without end is refused before it fills the memory", async () => {
    const megabyte = "x".repeat(1024 * 1024);
    const { client } = await connectTo((response) => {
      openStream(response);
      response.write("data: ");
      const writeOn = () => {
        while (!response.destroyed && response.write(megabyte));
      };
      response.on("drain", writeOn);
      writeOn();
    });
    const error = await errorOf(collect(client.streamEvents("trun_1")));
    expect(error).toBeInstanceOf(UnreadableAnswer);
  });

  test("whoever stops reading closes the connection", async () => {
    let closed: Promise<unknown> | undefined;
    const { client, clock } = await connectTo((response) => {
      closed = new Promise((resolve) => response.once("close", resolve));
      openStream(response);
      response.write(frame(state("running")));
    });
    for await (const event of client.streamEvents("trun_1")) {
      expect(event.type).toBe("task_run.state");
      break;
    }
    await closed;
    expect(clock.sleepers).toBe(0);
  });

  test("an abort ends a stream that is waiting, with the caller's reason", async () => {
    const { client } = await connectTo((response) => {
      openStream(response);
      response.write(frame(state("running")));
    });
    const leaving = new AbortController();
    const stream = iterate(client.streamEvents("trun_1", { signal: leaving.signal }));
    await stream.next();
    const waiting = errorOf(stream.next());
    leaving.abort("had enough");
    expect(await waiting).toBe("had enough");
  });
});

describe("the API key is in no error", () => {
  const echo = (response: ServerResponse) => {
    const { "x-api-key": key } = response.req.headers;
    if (key !== KEY) throw new Error("the key did not arrive");
    return key;
  };
  const faults: [string, (response: ServerResponse) => void][] = [
    ...[401, 402, 403, 404, 405, 408, 409, 413, 422, 429, 500, 307].map(
      (status): [string, (response: ServerResponse) => void] => [
        `a ${status} that repeats it`,
        (response) => {
          const key = echo(response);
          const problem = { type: key, loc: [key], msg: key, input: key };
          response.writeHead(status, { "x-echo": key });
          response.end(
            JSON.stringify({ error: { ref_id: key, message: key, detail: { errors: [problem] } } }),
          );
        },
      ],
    ),
    ["an HTML page", (response) => response.writeHead(502).end(`<p>${echo(response)}`)],
    ["text instead of JSON", (response) => response.end(echo(response))],
    ["JSON of another shape", (response) => response.end(JSON.stringify({ [echo(response)]: 1 }))],
    [
      "an output with it as a field of the wrong kind",
      (response) =>
        response.end(
          JSON.stringify({
            run_id: [echo(response)],
            status: { [echo(response)]: 1 },
            is_active: false,
            processor: "base",
          }),
        ),
    ],
    ["a reset", (response) => void (echo(response), response.socket?.resetAndDestroy())],
    ["bytes that are no HTTP", (response) => response.socket?.end(`${echo(response)}\r\n\r\n`)],
    [
      "a broken chunk",
      (response) => {
        response.socket?.end(
          `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${echo(response)}\r\n`,
        );
      },
    ],
  ];

  test.each(faults)("%s", async (_name, fault) => {
    const { client } = await connectTo(fault);
    const acts = [
      () => client.createRun(question),
      () => client.retrieveRun("trun_1"),
      () => client.retrieveResult("trun_1", { timeoutSeconds: 1 }),
      () => collect(client.streamEvents("trun_1")),
      () => client.cancelRun("trun_1"),
      () => client.createGroup({}),
      () => client.addRuns("tgrp_1", { inputs: [question] }),
      () => client.retrieveGroup("tgrp_1"),
      () => collect(client.streamGroupRuns("tgrp_1", {})),
      () => collect(client.streamGroupEvents("tgrp_1", {})),
      () => client.cancelGroup("tgrp_1"),
      () => client.listRuns({ limit: 1 }),
    ];
    for (const act of acts) {
      const error = await errorOf(act());
      expect(error).toBeInstanceOf(TaskApiError);
      expect(everythingIn(error)).not.toContain("sk-marked");
    }
  });
});
