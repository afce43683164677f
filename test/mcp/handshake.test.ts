import { InMemoryTransport, SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/server";
import { expect, test } from "vitest";
import { z } from "zod";
import { systemClock } from "../../src/runtime/clock.ts";
import { createHandshakeResponder } from "../../src/mcp/fast-start/handshake.ts";
import { createRunUpdatePublisher } from "../../src/mcp/protocol/subscriptions.ts";
import { createServerFactory } from "../../src/mcp/server.ts";
import { silentLog } from "../engine/start-test-engine.ts";

const backend = () => Promise.reject(new Error("The handshake opens no backend"));

const limits = [
  {},
  { isReadOnly: true },
  { toolsets: ["runs"] as const },
  { toolsets: ["groups"] as const, isReadOnly: true },
  { catalogBackend: "custom" as const },
  { catalogBackend: "embedded" as const },
  { catalogBackend: "scripted" as const, isReadOnly: true },
];

const initialize = (protocolVersion: string) => ({
  jsonrpc: "2.0" as const,
  id: "first",
  method: "initialize",
  params: {
    protocolVersion,
    capabilities: { sampling: {}, roots: { listChanged: true } },
    clientInfo: { name: "test", version: "1", title: "A test" },
  },
});
const initialized = { jsonrpc: "2.0" as const, method: "notifications/initialized" };
const listTools = { jsonrpc: "2.0" as const, id: 2, method: "tools/list", params: {} };

/** What the whole server answers to these messages, as it goes over the wire. */
async function answersOfServer(
  options: (typeof limits)[number],
  messages: readonly Parameters<InMemoryTransport["send"]>[0][],
) {
  const log = silentLog;
  const publisher = createRunUpdatePublisher({ backend, clock: systemClock, log });
  const server = createServerFactory({
    ...options,
    backend,
    version: "1.2.3",
    log,
    clock: systemClock,
    publisher,
  })();
  const [client, transport] = InMemoryTransport.createLinkedPair();
  const answers: string[] = [];
  const expected = messages.filter((message) => "id" in message).length;
  await new Promise<void>((resolve, reject) => {
    // oxlint-disable-next-line unicorn/prefer-add-event-listener
    client.onmessage = (message) => {
      answers.push(JSON.stringify("result" in message ? message.result : message));
      if (answers.length === expected) resolve();
    };
    server
      .connect(transport)
      .then(() => client.start())
      .then(async () => {
        for (const message of messages) await client.send(message);
      })
      .catch(reject);
  });
  await server.close();
  return answers;
}

const Tools = z.object({ tools: z.array(z.unknown()).min(1) });

test.each(limits)(
  "the first answers are the whole server's own, letter by letter: %j",
  async (options) => {
    const reply = createHandshakeResponder({ ...options, version: "1.2.3" });
    const messages = [initialize("2025-11-25"), initialized, listTools];
    const replies = messages.map((message) => reply(message));
    expect(replies.map(({ kind }) => kind)).toEqual(["initialize", "notification", "list"]);
    const results = replies.flatMap((replied) => ("result" in replied ? [replied.result] : []));
    expect(results.map((result) => JSON.stringify(result))).toEqual(
      await answersOfServer(options, messages),
    );
    Tools.parse(results[1]);
  },
);

test.each(SUPPORTED_PROTOCOL_VERSIONS)(
  "the revision %s is agreed on as the SDK does",
  async (version) => {
    const replied = createHandshakeResponder({ version: "1.2.3" })(initialize(version));
    expect(replied).toMatchObject({ kind: "initialize", id: "first" });
    const result = "result" in replied ? JSON.stringify(replied.result) : undefined;
    expect([result]).toEqual(await answersOfServer({}, [initialize(version)]));
  },
);

test.each([
  ["a revision that is not known", initialize("2030-01-01")],
  ["a list before the connection is opened", listTools],
  ["the discovery of 2026-07-28", { jsonrpc: "2.0", id: 1, method: "server/discover", params: {} }],
  ["what is no JSON-RPC", { id: 1, method: "initialize" }],
  ["what is no message", undefined],
  [
    "a client without a name",
    { ...initialize("2025-11-25"), params: { protocolVersion: "2025-11-25" } },
  ],
  ["an id that is no id", { ...initialize("2025-11-25"), id: 1.5 }],
])("%s is left to the whole server", (_, message) => {
  expect(createHandshakeResponder({ version: "1" })(message)).toEqual({ kind: "unhandled" });
});

test.each([
  ["a second opening", initialize("2025-11-25")],
  ["a list with a cursor", { ...listTools, params: { cursor: "x" } }],
  ["a list with an envelope", { ...listTools, params: { _meta: { progressToken: 1 } } }],
  ["another request", { jsonrpc: "2.0", id: 2, method: "ping" }],
])("after the opening, %s is left to the whole server", (_, message) => {
  const reply = createHandshakeResponder({ version: "1" });
  reply(initialize("2025-11-25"));
  expect(reply(message)).toEqual({ kind: "unhandled" });
});
