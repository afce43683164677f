import { beforeAll, describe, expect, test } from "vitest";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { modernCall, post, startHttp, toolCall } from "./start-http.ts";

const PING = { jsonrpc: "2.0", id: 7, method: "ping" };
const call = (params: object) => ({ jsonrpc: "2.0", id: 7, method: "tools/call", params });
const list = { name: "list_task_runs" };

let sharedUrl: string;

beforeAll(async () => {
  ({ url: sharedUrl } = await startHttp(await startTestEngine(async () => textResult("ok"))));
});

describe("what a client accepts", () => {
  const create = toolCall("create_task_run", { input: "q", wait_seconds: 10 });
  const withToken = {
    ...create,
    params: { ...create.params, _meta: { progressToken: 1 } },
  };
  const modern = modernCall("create_task_run", { input: "q", wait_seconds: 10 });
  const requests = [
    ["2025-11-25", create, {}],
    ["2025-11-25 with progress", withToken, {}],
    ["2026-07-28", modern.body, modern.headers],
  ] as const;

  test.each(requests)("is one type alone, any, or not said (%s)", async (_, body, headers) => {
    for (const accept of [
      "application/json",
      "application/json;q=0.9, text/html",
      "application/*",
    ]) {
      const answer = await post(sharedUrl, body, { ...headers, accept });
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(await answer.json()).toMatchObject({
        id: 1,
        result: { structuredContent: { status: "completed" } },
      });
    }
    for (const accept of ["text/event-stream", "text/*"]) {
      const answer = await post(sharedUrl, body, { ...headers, accept });
      expect(answer.headers.get("content-type")).toBe("text/event-stream");
      const text = await answer.text();
      expect(text).toContain('"status":"completed"');
      expect(text).toMatch(/^(?:: keepalive\n\n|event: message\ndata: \{.*\}\n\n)+$/);
    }
    const either = await post(sharedUrl, body, { ...headers, accept: "*/*" });
    expect(await either.text()).toContain('"status":"completed"');
  });

  test("is neither of the two: it is told what there is", async () => {
    const answer = await post(sharedUrl, PING, { accept: "text/html" });
    expect(answer.status).toBe(406);
    expect(await answer.text()).toContain("application/json or text/event-stream");
  });

  test("may be nothing at all", async () => {
    // `fetch` says `*/*` where nothing is said, so the header is empty here.
    const answer = await post(sharedUrl, PING, { accept: "" });
    expect(await answer.json()).toEqual({ jsonrpc: "2.0", id: 7, result: {} });
  });
});

test("a slash at the end of the path makes no difference", async () => {
  const answer = await post(`${sharedUrl}/`, PING);
  expect(await answer.json()).toEqual({ jsonrpc: "2.0", id: 7, result: {} });
});

test.each([
  ["params that are null", { ...PING, params: null }],
  ["arguments that are null", call({ ...list, arguments: null })],
  ["arguments as JSON text", call({ ...list, arguments: '{"limit":1}' })],
  ["arguments as empty text", call({ ...list, arguments: "" })],
  ["_meta that is null", call({ ...list, _meta: null })],
  ["a progress token that is null", call({ ...list, _meta: { progressToken: null } })],
  ["a byte order mark", `\uFEFF${JSON.stringify(PING)}`],
  ["line ends of Windows", `\r\n${JSON.stringify(PING)}\r\n`],
])("%s: served", async (_, body) => {
  const answer = await post(sharedUrl, body);
  expect(answer.status).toBe(200);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ id: 7, result: expect.anything() });
  expect(text).not.toContain("isError");
});

test.each([
  ["an id that is null", { ...PING, id: null }, null],
  ["an id with a fraction", { ...PING, id: 1.5 }, 1.5],
  ["an id beyond all digits", JSON.stringify(PING).replace("7", "12345678901234567890"), null],
  ["another version of JSON-RPC", { ...PING, jsonrpc: "1.0" }, 7],
  ["params that are a list", { ...PING, params: [1] }, 7],
  ["10,000 levels", call({ ...list, arguments: `${"[".repeat(10_000)}${"]".repeat(10_000)}` }), 7],
])("%s: refused by its id", async (_, body, id) => {
  const answer = await post(sharedUrl, body);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ id, error: { code: -32_600 } });
});

test.each([
  ["a notification that is not known", { jsonrpc: "2.0", method: "notifications/odd" }],
  ["an answer that nobody asked for", { jsonrpc: "2.0", id: 1, result: {} }],
])("%s: accepted", async (_, body) => {
  expect((await post(sharedUrl, body)).status).toBe(202);
});

describe("a batch", () => {
  const batch = [PING, { ...PING, id: 8 }, { jsonrpc: "2.0", method: "notifications/initialized" }];

  test.each([{}, { "mcp-protocol-version": "2025-03-26" }])(
    "is answered where it may be sent: %j",
    async (headers) => {
      const text = await (await post(sharedUrl, batch, headers)).text();
      expect(text).toContain('"id":7');
      expect(text).toContain('"id":8');
      const json = await post(sharedUrl, batch, { ...headers, accept: "application/json" });
      expect(await json.json()).toMatchObject([{ id: 7 }, { id: 8 }]);
    },
  );

  test.each(["2025-06-18", "2025-11-25", "2026-07-28"])("is refused at %s", async (revision) => {
    const answer = await post(sharedUrl, batch, { "mcp-protocol-version": revision });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ id: null, error: { code: -32_600 } });
  });
});
