import { Client } from "@modelcontextprotocol/client";
import { InMemoryTransport } from "@modelcontextprotocol/server";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/client/clock.ts";
import { createTaskRunServer } from "../../src/mcp/server.ts";
import { silentLog, startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOf } from "./connect.ts";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test.each([
  [TRACE, [TRACE]],
  ["not a trace", [null]],
  [undefined, [null]],
])("a call in trace %j reaches the backend in trace %j", async (traceparent, expected) => {
  const engine = await startTestEngine(async () => textResult("x"));
  const seen = new Set<string | null>();
  const backend = await backendOf((request) => {
    seen.add(request.headers.get("traceparent"));
    return engine.fetch(request);
  });
  const factory = createTaskRunServer({
    backend: async () => backend,
    version: "test",
    log: silentLog,
    clock: systemClock,
  });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await factory().connect(theirs);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(ours);
  onTestFinished(() => client.close());
  await client.callTool({
    name: "create_task_run",
    arguments: { input: "Why?" },
    ...(traceparent !== undefined && { _meta: { traceparent } }),
  });
  expect([...seen]).toEqual(expected);
});
