import { Client } from "@modelcontextprotocol/client";
import { InMemoryTransport } from "@modelcontextprotocol/server";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { createServerFactory } from "../../src/mcp/server.ts";
import { silentLog, startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOf } from "./connect.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const WHOLE = { traceparent: TRACEPARENT, tracestate: "vendor=1,other=2", baggage: "team=blue" };
const NONE = { traceparent: null, tracestate: null, baggage: null };

test.each<[Record<string, unknown>, object]>([
  [{ traceparent: TRACEPARENT }, { ...NONE, traceparent: TRACEPARENT }],
  [WHOLE, WHOLE],
  [
    { ...WHOLE, baggage: "team=blue\r\nx-api-key: stolen" },
    { ...WHOLE, baggage: null },
  ],
  [
    { ...WHOLE, tracestate: 1 },
    { ...WHOLE, tracestate: null },
  ],
  [{ ...WHOLE, traceparent: "not a trace" }, NONE],
  [{ baggage: "team=blue" }, NONE],
  [{}, NONE],
])("a call in trace %j reaches the backend in trace %j", async (_meta, expected) => {
  const engine = await startTestEngine(async () => textResult("x"));
  const seen: object[] = [];
  const backend = await backendOf((request) => {
    seen.push(
      Object.fromEntries(Object.keys(NONE).map((name) => [name, request.headers.get(name)])),
    );
    return engine.fetch(request);
  });
  const factory = createServerFactory({
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
    _meta,
  });
  expect(seen.length).toBeGreaterThan(0);
  for (const one of seen) expect(one).toEqual(expected);
});
