import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-task-api-client.ts";
import { createFollowers, createGroupFollowers } from "../../src/client/follow/followers.ts";
import { createUndiciFetch } from "../../src/client/http/undici-fetch.ts";
import { singleTenant } from "../../src/engine/tenants/tenants.ts";
import { openLedgerStore } from "../../src/ledger/open-ledger-store.ts";
import { fingerprintKey } from "../../src/ledger/scope.ts";
import type { Backend } from "../../src/mcp/runs/backend.ts";
import { createPriceList } from "../../src/mcp/runs/price-list.ts";
import { startEngineServer, startLoopbackServer } from "../client/loopback-server.ts";
import { startTestEngine, temporaryFolder, textResult } from "../engine/start-test-engine.ts";
import { load } from "../load.ts";
import { type TestClient, connect } from "./connect.ts";
import { questionOf } from "./stories.ts";

/** Every secret holds this word, and nothing else does. */
const MARK = "mrk7f3a9c";
const API_KEY = `key-${MARK}-of-the-account`;
const HEADER = `Bearer token-${MARK}-of-a-server`;
const WEBHOOK_SECRET = `whsec_${Buffer.from("a secret of 24 bytes or so").toString("base64")}`;
const WEBHOOK_MARK = WEBHOOK_SECRET.slice("whsec_".length);

const withHeader = {
  input: "Why?",
  mcp_servers: [{ name: "docs", url: "https://mcp.example", headers: { authorization: HEADER } }],
};

/** Our server in front of a backend at `url`: its log on the lowest level, and its ledger in a file. */
async function serveWithKey(url: string) {
  const lines: string[] = [];
  const log = pino({ level: "trace" }, { write: (line) => void lines.push(line) });
  const folder = await temporaryFolder();
  const { client, close } = await openBackend(url, join(folder, "ledger.sqlite"), log);
  return {
    client,
    lines,
    /** What the ledger has on disk, once it is closed. */
    async readLedger(): Promise<string> {
      await close();
      const names = await readdir(folder);
      const files = await Promise.all(names.map((name) => readFile(join(folder, name), "latin1")));
      return files.join("\n");
    },
  };
}

async function openBackend(baseUrl: string, path: string, log: Logger) {
  const network = createUndiciFetch();
  onTestFinished(() => network.close());
  const client = createClient({
    baseUrl,
    apiKey: API_KEY,
    fetch: network.fetch,
    retryPolicy: { maxAttempts: 2, budgetMs: 1_000, firstDelayMs: 0, maxDelayMs: 0, jitter: 0 },
    log,
  });
  const ledgers = await openLedgerStore({ path, now: Date.now, log });
  onTestFinished(() => ledgers.close());
  const backend: Backend = {
    kind: "custom",
    client,
    followers: createFollowers({ client, log }),
    groupFollowers: createGroupFollowers({ client, log }),
    prices: createPriceList({ kind: "custom" }),
    ledger: ledgers.of({
      backend: baseUrl,
      keyFingerprint: fingerprintKey(API_KEY),
      principal: null,
    }),
    ledgerFallbackReason: null,
  };
  return { client: await connect(async () => backend, { log }), close: () => ledgers.close() };
}

/** What a caller sees of a call, in all channels. */
async function seen(client: TestClient, name: string, args: Record<string, unknown>) {
  const progress: string[] = [];
  const { texts, report } = await client.call(name, args, {
    onprogress: (one) => progress.push(JSON.stringify(one)),
  });
  return [...texts, JSON.stringify(report), ...progress].join("\n");
}

const CALLS = [
  ["create_task_run", withHeader],
  ["create_task_run", { ...withHeader, idempotency_key: "k" }],
  ["create_task_run", { ...withHeader, dry_run: true }],
  ["create_task_run", { ...withHeader, mcp_servers: [{ headers: { authorization: HEADER } }] }],
  ["create_task_group", { inputs: [withHeader] }],
  ["create_task_group", { inputs: [withHeader], taskgroup_id: "tgrp_1" }],
  ["create_task_group", { inputs: [withHeader], dry_run: true }],
  ["get_task_run", { run_id: "trun_1", wait_seconds: 0 }],
  ["get_task_run", { run_id: "trun_1", wait_seconds: 1 }],
  ["cancel_task_run", { run_id: "trun_1" }],
  ["list_task_runs", {}],
  ["get_task_group", { taskgroup_id: "tgrp_1", wait_seconds: 0 }],
  ["cancel_task_group", { taskgroup_id: "tgrp_1" }],
] as const;

/** Where the text holds the mark, with what stands around it. */
function leaksIn(text: string): string[] {
  return text.match(new RegExp(`.{0,80}(?:${MARK}|${WEBHOOK_MARK}).{0,20}`, "g")) ?? [];
}

const STATUSES = load({
  full: [302, 400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503],
  short: [302, 401, 404, 422, 429, 503],
});

test.each(["JSON", "HTML"] as const)(
  "a backend that repeats everything it was sent in every error (%s) gives no secret away",
  async (form) => {
    let status = 500;
    const { url } = await startLoopbackServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const sent = Buffer.concat(chunks).toString();
        const echo = `${sent} ${JSON.stringify(request.headers)}`;
        const problem = { type: echo, loc: ["body", API_KEY, sent], msg: echo, input: echo };
        const error = {
          ref_id: `${API_KEY} ${sent}`,
          message: echo,
          detail: { errors: [problem] },
        };
        const body = form === "JSON" ? JSON.stringify({ type: "error", error }) : `<p>${echo}</p>`;
        response.writeHead(status, { "retry-after": "0", location: `/${API_KEY}` }).end(body);
      });
    });
    const { client, lines, readLedger } = await serveWithKey(url);
    let results = "";
    for (status of STATUSES) {
      for (const [name, args] of CALLS) {
        results += await seen(client, name, args);
      }
    }
    // A body of 200 that is no answer of the API.
    status = 200;
    for (const [name, args] of CALLS) results += await seen(client, name, args);

    expect(results).toContain("Error: ");
    expect(leaksIn(results)).toEqual([]);
    expect(lines.length).toBeGreaterThan(100);
    expect(leaksIn(lines.join(""))).toEqual([]);
    const ledger = await readLedger();
    expect(ledger).toContain("Why?");
    expect(leaksIn(ledger)).toEqual([]);
  },
);

test("a connection that breaks, and one that nobody answers, give no secret away", async () => {
  const { url } = await startLoopbackServer((request) => request.socket.destroy());
  const nobody = await startLoopbackServer(() => {});
  for (const baseUrl of [url, nobody.url.replace(/\d+$/, "1")]) {
    const { client, lines, readLedger } = await serveWithKey(baseUrl);
    let results = "";
    for (const [name, args] of CALLS) results += await seen(client, name, args);
    expect(results).toContain("Error: ");
    expect(leaksIn(results)).toEqual([]);
    expect(leaksIn(lines.join(""))).toEqual([]);
    expect(leaksIn(await readLedger())).toEqual([]);
  }
});

test("runs that go well leave no secret in results, logs or ledger, nor does their webhook", async () => {
  const received: string[] = [];
  const receiver = await startLoopbackServer((request, response) => {
    received.push(JSON.stringify(request.headers));
    response.end();
  });
  const lines: string[] = [];
  const log = pino({ level: "trace" }, { write: (line) => void lines.push(line) });
  const engine = await startTestEngine(
    async ({ input, report }) => {
      await report({
        type: "task_run.progress_msg.plan",
        message: `Plan for ${questionOf(input)}`,
      });
      return textResult(`About ${questionOf(input)}`);
    },
    {
      tenants: singleTenant(API_KEY),
      webhookSecrets: [WEBHOOK_SECRET],
      allowNetworks: ["127.0.0.0/8"],
      log,
    },
  );
  const { url } = await startEngineServer(engine, () => false);
  const bridge = await serveWithKey(url);
  const { client } = bridge;
  const args = {
    ...withHeader,
    webhook: { url: `${receiver.url}/hook`, event_types: ["task_run.status"] },
    wait_seconds: 30,
  };
  const { report } = await client.call("create_task_run", args);
  expect(report.status).toBe("completed");
  const group = await client.call("create_task_group", { inputs: [withHeader], wait_seconds: 30 });
  expect(group.report.counts).toEqual({ completed: 1 });
  const { run_id } = report;
  const { taskgroup_id } = group.report;
  let results = JSON.stringify([report, group]);
  for (const view of ["auto", "status", "output", "basis", "events"]) {
    results += await seen(client, "get_task_run", { run_id, view });
  }
  for (const view of ["auto", "status", "results", "failures"]) {
    results += await seen(client, "get_task_group", { taskgroup_id, view });
  }
  for (const [name, extra] of [
    ["create_task_run", { ...args, dry_run: true }],
    ["create_task_group", { inputs: [args], dry_run: true }],
    ["list_task_runs", {}],
    ["cancel_task_run", { run_id }],
    ["cancel_task_group", { taskgroup_id }],
  ] as const) {
    results += await seen(client, name, extra);
  }
  expect(results.includes("Plan for Why?")).toBe(true);
  await expect.poll(() => received.length).toBeGreaterThan(0);
  expect(received.join()).toContain("webhook-signature");

  const everywhere = {
    results,
    received: received.join("\n"),
    log: [...lines, ...bridge.lines].join("\n"),
    ledger: await bridge.readLedger(),
  };
  for (const [place, text] of Object.entries(everywhere)) {
    expect(leaksIn(text), place).toEqual([]);
  }
});
