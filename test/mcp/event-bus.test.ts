import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { type AuthInfo, createMcpHandler } from "@modelcontextprotocol/server";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { createFollowers } from "../../src/client/follow/followers.ts";
import { openLedgerStore } from "../../src/ledger/open-ledger-store.ts";
import type { Backend } from "../../src/mcp/runs/backend.ts";
import { type Principal, attachRequestFacts } from "../../src/runtime/request-facts.ts";
import { createEventBus, createRunUpdatePublisher } from "../../src/mcp/protocol/subscriptions.ts";
import { scopeToPrincipal } from "../../src/client/scoped-client.ts";
import { createServerFactory } from "../../src/mcp/server.ts";
import {
  deferred,
  silentLog,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { backendOn } from "./connect.ts";
import { besideV2Tools } from "./beside-tools.ts";

/** The server as HTTP serves it, for several principals on one account of the backend. */
async function start() {
  const gate = deferred();
  const engine = await startTestEngine(async ({ signal }) => {
    await Promise.race([gate.promise, untilAborted(signal)]);
    return textResult("done");
  });
  const shared = await backendOn(engine, "custom");
  const ledgers = await openLedgerStore({ path: ":memory:", now: Date.now, log: silentLog });
  onTestFinished(() => ledgers.close());
  const backends = new Map<string, Backend>();
  const backend = async ({ id }: Principal) => {
    const name = id ?? "anonymous";
    const known = backends.get(name);
    if (known !== undefined) return known;
    const ledger = ledgers.of({ backend: "x", keyFingerprint: null, principal: name });
    const client = scopeToPrincipal(shared.client, ledger, name);
    const own = { ...shared, client, followers: createFollowers({ client }), ledger };
    backends.set(name, own);
    return own;
  };
  const publisher = createRunUpdatePublisher({ backend, clock: systemClock, log: silentLog });
  const bus = createEventBus(publisher);
  const factory = createServerFactory({
    backend,
    version: "0",
    log: silentLog,
    clock: systemClock,
    publisher,
  });
  const handler = createMcpHandler(factory, { bus });
  onTestFinished(() => handler.close());

  async function connectAs(principal: string, mode: "auto" | "legacy" = "auto") {
    const authInfo: AuthInfo = {
      token: "",
      clientId: principal,
      scopes: ["runs:read", "runs:write"],
    };
    attachRequestFacts(authInfo, {
      principal: { id: principal, apiKey: null },
      budgetUsdPerDay: undefined,
      requestId: undefined,
      trace: undefined,
      calledTool: undefined,
    });
    const client = new Client({ name: principal, version: "1" }, { versionNegotiation: { mode } });
    const transport = new StreamableHTTPClientTransport(new URL("http://server/mcp"), {
      async fetch(url, init) {
        const request = new Request(url, init);
        const isPost = request.method === "POST";
        const parsedBody: unknown = isPost ? await request.clone().json() : undefined;
        return bus.whileServing({ body: parsedBody, authInfo }, () =>
          handler.fetch(request, { authInfo, parsedBody }),
        );
      },
    });
    await client.connect(transport);
    onTestFinished(() => client.close());
    return {
      ...besideV2Tools(client, mode === "auto"),
      async create(): Promise<string> {
        const args = { name: "create_task_run", arguments: { input: "held" } };
        const { structuredContent } = await client.callTool(args);
        return String(Object(structuredContent)["run_id"]);
      },
    };
  }
  return { connectAs, release: () => gate.resolve() };
}

test("each principal gets events of its own runs only, even when others subscribe to the same URI", async () => {
  const { connectAs, release } = await start();
  const [anna, ben] = [await connectAs("anna"), await connectAs("ben")];
  const ofAnna = `task-run://${await anna.create()}`;
  const ofBen = `task-run://${await ben.create()}`;
  await anna.subscribe(ofAnna);
  await ben.subscribe(ofAnna);
  await ben.subscribe(ofBen);
  await expect(ben.read(ofAnna)).rejects.toMatchObject({ code: -32_602 });
  release();
  await anna.untilUpdates(1);
  await ben.untilUpdates(1);
  // What could have come late has come: both runs are read as completed.
  expect((await anna.read(ofAnna)).contents[0]?.text).toContain("is completed");
  expect([...anna.updates]).toEqual([ofAnna]);
  expect([...ben.updates]).toEqual([ofBen]);
});

test("a principal's list and completions hold its own runs alone", async () => {
  const { connectAs } = await start();
  const [anna, ben] = [await connectAs("anna"), await connectAs("ben")];
  const run = await anna.create();
  const names = async (of: typeof anna) => (await of.resources()).map(({ name }) => name);
  expect(await names(anna)).toEqual(["processors", run]);
  expect(await names(ben)).toEqual(["processors"]);
  const ref = { type: "ref/resource", uri: "task-run://{run_id}" } as const;
  expect(await anna.complete(ref, "run_id", "trun")).toEqual([run]);
  expect(await ben.complete(ref, "run_id", "trun")).toEqual([]);
});

test("HTTP before 2026-07-28 keeps no stream open, so it offers no subscriptions", async () => {
  const { connectAs } = await start();
  const legacy = await connectAs("anna", "legacy");
  expect(legacy.capabilities()).toMatchObject({ resources: { subscribe: false } });
  await expect(legacy.subscribe(`task-run://${await legacy.create()}`)).rejects.toThrow();
});
