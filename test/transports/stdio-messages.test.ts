import { PassThrough } from "node:stream";
import { createInterface } from "node:readline";
import { McpServer, fromJsonSchema } from "@modelcontextprotocol/server";
import { pino } from "pino";
import { describe, expect, onTestFinished, test } from "vitest";
import { serveStdioTransport } from "../../src/transports/stdio/stdio.ts";
import { initialize } from "./initialize.ts";

/** Says what it was given. */
function factory() {
  const server = new McpServer({ name: "test", version: "1" });
  const inputSchema = fromJsonSchema({ type: "object" });
  server.registerTool("echo", { inputSchema }, (args) => ({
    content: [{ type: "text", text: JSON.stringify(args) }],
  }));
  return server;
}

/** A connection that was opened with a revision; without one, not yet. */
async function connect(protocolVersion?: string) {
  const input = new PassThrough();
  const output = new PassThrough();
  const logged: string[] = [];
  const connection = serveStdioTransport(factory, {
    log: pino({ level: "info" }, { write: (line) => void logged.push(line) }),
    onClosed: () => output.end(),
    input,
    output,
  });
  onTestFinished(() => connection.close());
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  const read = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
  const send = (text: string | Buffer) => input.write(text);
  if (protocolVersion !== undefined) {
    const { params } = initialize;
    send(`${JSON.stringify({ ...initialize, params: { ...params, protocolVersion } })}\n`);
    await read();
  }
  return {
    send,
    read,
    logged,
    /** So many answers, and no other until a ping is answered that was sent after them. */
    async answersTo(text: string | Buffer, count: number): Promise<unknown[]> {
      send(text);
      send("\n");
      const answers: unknown[] = [];
      while (answers.length < count) answers.push(await read());
      send('{"jsonrpc":"2.0","id":"last","method":"ping"}\n');
      expect(await read()).toEqual({ jsonrpc: "2.0", id: "last", result: {} });
      return answers;
    },
  };
}

const call = (params: object) => ({ jsonrpc: "2.0", id: 7, method: "tools/call", params });
const echoed = (text: string) => ({ id: 7, result: { content: [{ type: "text", text }] } });
const refused = (id: unknown, code = -32_600) => ({ id, error: { code } });
const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

const answered: [what: string, message: string | Buffer | object, answer: object][] = [
  [
    "params that are null",
    { jsonrpc: "2.0", id: 7, method: "ping", params: null },
    { id: 7, result: {} },
  ],
  [
    "a progress token that is null",
    call({ name: "echo", arguments: { a: 1 }, _meta: { progressToken: null } }),
    echoed('{"a":1}'),
  ],
  [
    "_meta that is null",
    call({ name: "echo", arguments: { a: 1 }, _meta: null }),
    echoed('{"a":1}'),
  ],
  [
    "a cursor that is null",
    { jsonrpc: "2.0", id: 7, method: "tools/list", params: { cursor: null } },
    { id: 7, result: { tools: [{ name: "echo" }] } },
  ],
  ["arguments that are null", call({ name: "echo", arguments: null }), echoed("{}")],
  ["no arguments", call({ name: "echo" }), echoed("{}")],
  ["arguments as JSON text", call({ name: "echo", arguments: '{"a":[1]}' }), echoed('{"a":[1]}')],
  ["arguments as empty text", call({ name: "echo", arguments: "" }), echoed("{}")],
  [
    "arguments that are a list",
    call({ name: "echo", arguments: [] }),
    { id: 7, error: { code: -32_602 } },
  ],
  [
    "arguments that are no JSON",
    call({ name: "echo", arguments: "{" }),
    { id: 7, error: { code: -32_602 } },
  ],
  ["an id that is null", { jsonrpc: "2.0", id: null, method: "ping" }, refused(null)],
  ["an id with a fraction", { jsonrpc: "2.0", id: 1.5, method: "ping" }, refused(1.5)],
  [
    "an id beyond all digits",
    '{"jsonrpc":"2.0","id":12345678901234567890,"method":"ping"}',
    refused(null),
  ],
  ["an id that is an object", { jsonrpc: "2.0", id: {}, method: "ping" }, refused(null)],
  ["another version of JSON-RPC", { jsonrpc: "1.0", id: 7, method: "ping" }, refused(7)],
  ["no version of JSON-RPC", { id: 7, method: "ping" }, refused(7)],
  ["a method that is a number", { jsonrpc: "2.0", id: 7, method: 1 }, refused(7)],
  ["no method", { jsonrpc: "2.0", id: 7 }, refused(7)],
  ["params that are a list", { jsonrpc: "2.0", id: 7, method: "ping", params: [1] }, refused(7)],
  [
    "a method that is not known",
    { jsonrpc: "2.0", id: 7, method: "no/such" },
    { id: 7, error: { code: -32_601 } },
  ],
  ["JSON that breaks off", '{"jsonrpc":"2.0","id":7,"meth', refused(null, -32_700)],
  ["what is no JSON", "hello", refused(null, -32_700)],
  ["JSON that is no object", "42", refused(null)],
  ["an empty batch", "[]", refused(null)],
  ["a byte order mark", '\uFEFF{"jsonrpc":"2.0","id":7,"method":"ping"}', { id: 7, result: {} }],
  ["the line end of Windows", '{"jsonrpc":"2.0","id":7,"method":"ping"}\r', { id: 7, result: {} }],
  [
    "bytes that are no UTF-8",
    Buffer.from(
      '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"a":"\xFF"}}}',
      "latin1",
    ),
    echoed('{"a":"\uFFFD"}'),
  ],
  [
    "10,000 levels",
    `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"a":${nested(10_000)}}}}`,
    refused(7),
  ],
  [
    "10,000 levels in arguments as text",
    call({ name: "echo", arguments: `{"a":${nested(10_000)}}` }),
    refused(7),
  ],
  [
    "11 MiB, with the id first",
    `{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":"${"x".repeat(11 * 1024 * 1024)}"}}`,
    refused(7),
  ],
  [
    "11 MiB, with the id last",
    `{"method":"ping","params":{"a":"${"x".repeat(11 * 1024 * 1024)}"},"jsonrpc":"2.0","id":"7"}`,
    refused("7"),
  ],
  ["11 MiB without a sign of an id", "x".repeat(11 * 1024 * 1024), refused(null)],
];

test.each(answered)("%s gets its answer, and the next message too", async (_, message, answer) => {
  const { answersTo } = await connect("2025-11-25");
  const text =
    typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message);
  expect(await answersTo(text, 1)).toMatchObject([answer]);
});

test.each(answered)(
  "%s gets the same answer as the first message of all",
  async (_, message, answer) => {
    const { answersTo } = await connect();
    const text =
      typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message);
    expect(await answersTo(text, 1)).toMatchObject([answer]);
  },
);

test.each([
  [
    "a notification that is not known",
    '{"jsonrpc":"2.0","method":"notifications/odd"}',
    "notifications/odd",
  ],
  [
    "a notification that cannot be read",
    '{"jsonrpc":"2.0","method":"notifications/odd","params":7}',
    "no message of MCP",
  ],
  ["an answer that nobody asked for", '{"jsonrpc":"2.0","id":99,"result":{}}', "99"],
  [
    "an error that nobody asked for",
    '{"jsonrpc":"2.0","id":99,"error":{"code":1,"message":"x"}}',
    "99",
  ],
])("%s is logged in one line, and not answered", async (_, text, words) => {
  const { answersTo, logged } = await connect("2025-11-25");
  expect(await answersTo(text, 0)).toEqual([]);
  expect(logged).toEqual([expect.stringContaining(words)]);
  expect(logged.join("")).not.toContain("stack");
});

test("empty lines are no messages", async () => {
  const { answersTo, logged } = await connect("2025-11-25");
  expect(await answersTo("\n\r\n  \n", 0)).toEqual([]);
  expect(logged).toEqual([]);
});

test("requests that share an id are all answered", async () => {
  const { answersTo } = await connect("2025-11-25");
  const ping = '{"jsonrpc":"2.0","id":7,"method":"ping"}';
  expect(await answersTo(`${ping}\n${ping}`, 2)).toMatchObject([{ id: 7 }, { id: 7 }]);
});

test("an input that ends within a message says so in the log", async () => {
  const { send, read, logged } = await connect("2025-11-25");
  send('{"jsonrpc":"2.0","id":7,"method":"ping"}\n{"jsonrpc":"2.0","id":8,"me');
  expect(await read()).toMatchObject({ id: 7 });
  expect(logged).toEqual([]);
});

describe("a batch", () => {
  const batch = JSON.stringify([
    call({ name: "echo", arguments: { a: 1 } }),
    { jsonrpc: "2.0", method: "notifications/initialized" },
    { jsonrpc: "2.0", id: "two", method: "ping" },
    { jsonrpc: "1.0", id: 3, method: "ping" },
  ]);

  test.each(["2024-11-05", "2025-03-26"])("is answered by one at %s", async (revision) => {
    const [answer, ...others] = await (await connect(revision)).answersTo(batch, 1);
    expect(others).toEqual([]);
    expect(answer).toHaveLength(3);
    expect(answer).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: 7 }),
        { jsonrpc: "2.0", id: "two", result: {} },
        expect.objectContaining({ id: 3, error: expect.anything() }),
      ]),
    );
  });

  test.each(["2025-06-18", "2025-11-25"])("is refused at %s", async (revision) => {
    const answers = await (await connect(revision)).answersTo(batch, 1);
    expect(answers).toMatchObject([refused(null)]);
    expect(JSON.stringify(answers)).toContain(revision);
  });

  test("of notifications alone is not answered", async () => {
    const { answersTo } = await connect("2025-03-26");
    expect(await answersTo('[{"jsonrpc":"2.0","method":"notifications/initialized"}]', 0)).toEqual(
      [],
    );
  });
});
