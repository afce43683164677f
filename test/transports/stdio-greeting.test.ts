import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { McpServer } from "@modelcontextprotocol/server";
import { expect, test } from "vitest";
import { greetStdio } from "../../src/transports/stdio/handshake.ts";
import { serveStdioTransport } from "../../src/transports/stdio/stdio.ts";
import { deferred, silentLog } from "../engine/start-test-engine.ts";
import { initialize as opening } from "./initialize.ts";

const note = { jsonrpc: "2.0", method: "notifications/initialized" };
const question = { jsonrpc: "2.0", id: 2, method: "tools/list" };
const ping = (id: number) => ({ jsonrpc: "2.0", id, method: "ping" });
const line = (message: object) => `${JSON.stringify(message)}\n`;

/** Knows these three. */
const greeting: Parameters<typeof greetStdio>[0]["greeting"] = (message) => {
  const text = JSON.stringify(message) ?? "";
  if (text === JSON.stringify(opening)) return { kind: "opening", id: 1, result: { hello: "✓" } };
  if (text === JSON.stringify(note)) return { kind: "notification" };
  if (text === JSON.stringify(question)) return { kind: "question", id: 2, result: { tools: [] } };
  return { kind: "unknown" };
};

function greet(signal = new AbortController().signal) {
  const input = new PassThrough();
  const output = new PassThrough().setEncoding("utf8");
  const greeted = greetStdio({ input, output, greeting, signal });
  const read = () => String(output.read() ?? "");
  return { input, output, greeted, read };
}

const helloLine = line({ result: { hello: "✓" }, jsonrpc: "2.0", id: 1 });
const toolsLine = line({ result: { tools: [] }, jsonrpc: "2.0", id: 2 });

test("the first questions are answered; the server hears the opening, and all that came after", async () => {
  const { input, greeted, read } = greet();
  input.write([opening, note, question, ping(3)].map(line).join("").concat('{"half":'));
  expect(await greeted).toBe(1);
  expect(read()).toBe(helloLine + toolsLine);
  input.end("true}\n");
  expect(String(await buffer(input))).toBe(
    [opening, note, ping(3)].map(line).join("").concat('{"half":true}\n'),
  );
});

test("messages may come in any pieces", async () => {
  const { input, greeted, read } = greet();
  for (const byte of Buffer.from(line(opening) + line(note) + line(question))) {
    input.write(Buffer.from([byte]));
  }
  expect(await greeted).toBe(1);
  expect(read()).toBe(helloLine + toolsLine);
  input.end();
  expect(String(await buffer(input))).toBe(line(opening) + line(note));
});

test.each([
  ["a message that is not known", line(ping(1))],
  ["a line that is no JSON", "hello\n"],
  ["a line without an end", "x".repeat(100_000)],
])("%s is left for the server, and nothing is said", async (_, text) => {
  const { input, greeted, read } = greet();
  input.write(text);
  expect(await greeted).toBeUndefined();
  expect(read()).toBe("");
  input.end();
  expect(String(await buffer(input))).toBe(text);
});

test("a client that leaves ends the greeting", async () => {
  const { input, greeted } = greet();
  input.end(line(opening));
  expect(await greeted).toBe(1);
  expect(input.readableEnded).toBe(true);
});

test("an input or an output that breaks ends the greeting", async () => {
  const one = greet();
  one.input.destroy(new Error("EIO"));
  expect(await one.greeted).toBeUndefined();
  const other = greet();
  other.output.destroy(new Error("EPIPE"));
  expect(await other.greeted).toBeUndefined();
});

test("a signal ends the greeting, also one that came before it", async () => {
  const controller = new AbortController();
  const { greeted } = greet(controller.signal);
  controller.abort();
  expect(await greeted).toBeUndefined();
  expect(await greet(AbortSignal.abort()).greeted).toBeUndefined();
});

test("the server goes on where the greeting stopped, and answers the opening to nobody", async () => {
  const { input, output, greeted } = greet();
  input.write(line(opening) + line(note) + line(question));
  const answeredId = await greeted;
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
