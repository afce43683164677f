import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { McpServer } from "@modelcontextprotocol/server";
import { expect, test } from "vitest";
import { answerHandshake } from "../../src/transports/stdio/handshake.ts";
import { serveStdioTransport } from "../../src/transports/stdio/stdio.ts";
import { deferred, silentLog } from "../engine/start-test-engine.ts";
import { initialize as opening } from "./initialize.ts";

const note = { jsonrpc: "2.0", method: "notifications/initialized" };
const question = { jsonrpc: "2.0", id: 2, method: "tools/list" };
const ping = (id: number) => ({ jsonrpc: "2.0", id, method: "ping" });
const line = (message: object) => `${JSON.stringify(message)}\n`;

/** Knows these three. */
const reply: Parameters<typeof answerHandshake>[0]["reply"] = (message) => {
  const text = JSON.stringify(message) ?? "";
  if (text === JSON.stringify(opening))
    return { kind: "initialize", id: 1, result: { hello: "✓" } };
  if (text === JSON.stringify(note)) return { kind: "notification" };
  if (text === JSON.stringify(question)) return { kind: "list", id: 2, result: { tools: [] } };
  return { kind: "unhandled" };
};

function start(signal = new AbortController().signal) {
  const input = new PassThrough();
  const output = new PassThrough().setEncoding("utf8");
  const answered = answerHandshake({ input, output, reply, signal });
  const read = () => String(output.read() ?? "");
  return { input, output, answered, read };
}

const helloLine = line({ result: { hello: "✓" }, jsonrpc: "2.0", id: 1 });
const toolsLine = line({ result: { tools: [] }, jsonrpc: "2.0", id: 2 });

test("the first questions are answered; the server reads the opening, and all that came after", async () => {
  const { input, answered, read } = start();
  input.write([opening, note, question, ping(3)].map(line).join("").concat('{"half":'));
  expect(await answered).toBe(1);
  expect(read()).toBe(helloLine + toolsLine);
  input.end("true}\n");
  expect(String(await buffer(input))).toBe(
    [opening, note, ping(3)].map(line).join("").concat('{"half":true}\n'),
  );
});

test("messages may come in any pieces", async () => {
  const { input, answered, read } = start();
  for (const byte of Buffer.from(line(opening) + line(note) + line(question))) {
    input.write(Buffer.from([byte]));
  }
  expect(await answered).toBe(1);
  expect(read()).toBe(helloLine + toolsLine);
  input.end();
  expect(String(await buffer(input))).toBe(line(opening) + line(note));
});

test.each([
  ["a message that is not known", line(ping(1))],
  ["a line that is no JSON", "hello\n"],
  ["a line without an end", "x".repeat(100_000)],
])("%s is left for the server, and nothing is said", async (_, text) => {
  const { input, answered, read } = start();
  input.write(text);
  expect(await answered).toBeUndefined();
  expect(read()).toBe("");
  input.end();
  expect(String(await buffer(input))).toBe(text);
});

test("a client that leaves ends the handshake", async () => {
  const { input, answered } = start();
  input.end(line(opening));
  expect(await answered).toBe(1);
  expect(input.readableEnded).toBe(true);
});

test("an input or an output that breaks ends the handshake", async () => {
  const one = start();
  one.input.destroy(new Error("EIO"));
  expect(await one.answered).toBeUndefined();
  const other = start();
  other.output.destroy(new Error("EPIPE"));
  expect(await other.answered).toBeUndefined();
});

test("a signal ends the handshake, also one that came before it", async () => {
  const controller = new AbortController();
  const { answered } = start(controller.signal);
  controller.abort();
  expect(await answered).toBeUndefined();
  expect(await start(AbortSignal.abort()).answered).toBeUndefined();
});

test("the server goes on where the handshake stopped, and does not answer the opening again", async () => {
  const { input, output, answered: handshake } = start();
  input.write(line(opening) + line(note) + line(question));
  const answeredId = await handshake;
  const closed = deferred();
  const connection = serveStdioTransport(
    () => new McpServer({ name: "test", version: "1" }, { capabilities: { tools: {} } }),
    { log: silentLog, onClosed: closed.resolve, input, output, answeredId },
  );
  const lines: string[] = [];
  const answered = deferred();
  output.on("data", (text: string) => {
    lines.push(...text.split("\n").filter((part) => part !== ""));
    if (lines.length === 4) answered.resolve();
  });
  // Ids may be used again (JSON-RPC): the second answer with this one is the client's.
  input.write(line(ping(3)) + line(ping(1)));
  await answered.promise;
  expect(lines.map((text): unknown => JSON.parse(text))).toEqual([
    { jsonrpc: "2.0", id: 1, result: { hello: "✓" } },
    { jsonrpc: "2.0", id: 2, result: { tools: [] } },
    { jsonrpc: "2.0", id: 3, result: {} },
    { jsonrpc: "2.0", id: 1, result: {} },
  ]);
  await connection.close();
  await closed.promise;
});
