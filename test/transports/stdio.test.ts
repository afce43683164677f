import { PassThrough } from "node:stream";
import { McpServer } from "@modelcontextprotocol/server";
import { expect, test } from "vitest";
import { serveStdioTransport } from "../../src/transports/stdio/stdio.ts";
import { deferred, silentLog } from "../engine/start-test-engine.ts";
import { initialize } from "./initialize.ts";

const factory = () =>
  new McpServer({ name: "test", version: "1" }, { capabilities: { tools: {} } });

function serve() {
  const input = new PassThrough();
  const output = new PassThrough();
  const closed = deferred();
  let closings = 0;
  const connection = serveStdioTransport(factory, {
    log: silentLog,
    onClosed: () => {
      closings += 1;
      closed.resolve();
    },
    input,
    output,
  });
  return { input, output, connection, closed: closed.promise, closings: () => closings };
}

test("a client that closes its end closes the connection, once", async () => {
  const { input, connection, closed, closings } = serve();
  input.end();
  await closed;
  await connection.close();
  expect(closings()).toBe(1);
});

test("close() ends the connection and says so, once", async () => {
  const { connection, closed, closings } = serve();
  await connection.close();
  await closed;
  await connection.close();
  expect(closings()).toBe(1);
});

test("an output that breaks ends the connection", async () => {
  const { input, output, closed } = serve();
  output.destroy(new Error("EPIPE"));
  input.write(`${JSON.stringify(initialize)}\n`);
  await closed;
});

test("only JSON-RPC leaves, also after input that is none", async () => {
  const { input, output, connection } = serve();
  const first = deferred<string>();
  output.setEncoding("utf8").once("data", first.resolve);
  input.write("this is not JSON\n");
  input.write(`${JSON.stringify(initialize)}\n`);
  expect(JSON.parse(await first.promise)).toMatchObject({
    jsonrpc: "2.0",
    id: null,
    error: { code: -32700 },
  });
  await connection.close();
});
