import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { createClient } from "../../src/client/create-task-api-client.ts";
import { defaultFollowPolicy } from "../../src/client/follow/follow-policy.ts";
import { createFollowers, createGroupFollowers } from "../../src/client/follow/followers.ts";
import { createUndiciFetch } from "../../src/client/http/undici-fetch.ts";
import { ExecutionFailed } from "../../src/engine/executors/executor.ts";
import type { Profile } from "../../src/engine/http-api/profile.ts";
import { hashKey } from "../../src/http-server/hashed-keys.ts";
import { readTenants, singleTenant } from "../../src/engine/tenants/tenants.ts";
import { startEngineServer, startLoopbackServer } from "../client/loopback-server.ts";
import { createManualClock } from "../client/manual-clock.ts";
import {
  startTestEngine,
  temporaryFolder,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { type TestClient, backendOf, connect } from "./connect.ts";
import { questionOf } from "./stories.ts";

const KEY = "the-key-of-the-account";

/** Pauses before a retry are short; a slow machine has the whole time limit for each request. */
const impatientClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
};

/** Our tools in front of the Task API at a real address, with the client as it is outside of tests. */
async function serve(
  baseUrl: string,
  {
    apiKey = KEY,
    longPollSeconds = 25,
    clock = impatientClock,
  }: { apiKey?: string; longPollSeconds?: number; clock?: Clock } = {},
): Promise<TestClient> {
  const network = createUndiciFetch();
  onTestFinished(() => network.close());
  const client = createClient({ baseUrl, apiKey, fetch: network.fetch, clock });
  const policy = { ...defaultFollowPolicy, longPollSeconds };
  const backend = {
    ...(await backendOf(() => Promise.reject(new Error("not used")), "hosted")),
    client,
    followers: createFollowers({ client, policy }),
    groupFollowers: createGroupFollowers({ client, policy }),
  };
  return connect(async () => backend);
}

/** The real engine at an address; runs answer, or fail (`bad …`), or go on (`slow …`). */
async function startEngine(
  options: Parameters<typeof startTestEngine>[1],
  intercept: Parameters<typeof startEngineServer>[1] = () => false,
) {
  const engine = await startTestEngine(async ({ input, signal }) => {
    const question = questionOf(input);
    if (question.startsWith("slow")) return untilAborted(signal);
    if (question.startsWith("bad")) throw new ExecutionFailed(`Nothing about ${question}`);
    return textResult(`About ${question}`);
  }, options);
  return startEngineServer(engine, intercept);
}

async function tenantsWith(limits: object) {
  const path = join(await temporaryFolder(), "tenants.json");
  const tenant = { id: "team", key_hashes: [hashKey(KEY)], ...limits };
  await writeFile(path, JSON.stringify({ tenants: [tenant] }));
  return readTenants(path);
}

/** A backend that answers everything alike. */
function startAnswering(status: number, body: string, headers: Record<string, string> = {}) {
  return startLoopbackServer((request, response) => {
    request.resume().once("end", () => response.writeHead(status, headers).end(body));
  });
}

/** The two lines of an error, and what the backend said of it. */
async function errorOf(client: TestClient, name: string, args: Record<string, unknown>) {
  const { texts, isError } = await client.call(name, args);
  const [ours = "", upstream = ""] = texts;
  expect(isError, ours).toBe(true);
  const [, happened = "", next = ""] = /^Error: (.+)\nNext: (.+)$/.exec(ours) ?? [];
  expect(happened).not.toBe("");
  return { happened, next, upstream };
}

const create = (client: TestClient, args: Record<string, unknown> = {}) =>
  errorOf(client, "create_task_run", { input: "Why?", ...args });
const get = (client: TestClient) =>
  errorOf(client, "get_task_run", { run_id: "trun_1", wait_seconds: 0 });

/** What the ledger holds after a create: a run that was surely not accepted leaves nothing. */
async function ledgerOf(client: TestClient) {
  return (await client.call("list_task_runs", {})).report.runs?.map(({ status }) => status);
}

const GET_AGAIN = 'get_task_run {"run_id":"trun_1"}';

test("401: the key is wrong, and the user is the one who can set it", async () => {
  const { url } = await startEngine({ tenants: singleTenant(KEY) });
  const client = await serve(url, { apiKey: "another-key" });
  const { happened, next } = await create(client);
  expect(happened).toContain("did not accept the API key");
  expect(next).toContain("Ask the user to set PARALLEL_API_KEY");
  expect((await get(client)).next).toBe(next);
  expect(await ledgerOf(client)).toEqual([]);
});

test("402: the credit is too small; a cheaper processor is named as a way", async () => {
  const { url } = await startEngine({ tenants: await tenantsWith({ budget_usd: 0.02 }) });
  const client = await serve(url);
  const { happened, next, upstream } = await create(client, { processor: "pro" });
  expect(happened).toContain("credit does not cover this");
  expect(next).toBe(
    "Ask the user to add credit, or call create_task_run with a cheaper processor.",
  );
  expect(upstream).toContain("budget $0.02, spent or reserved $0, this request $0.1");
  expect(await ledgerOf(client)).toEqual([]);
  const group = await errorOf(client, "create_task_group", { inputs: ["a", "b", "c"] });
  expect(group.next).toContain("call create_task_group with a cheaper processor");
});

test("403: the processor is none; the known ones are named", async () => {
  const { url } = await startEngine({});
  const client = await serve(url);
  const { happened, next } = await create(client, { processor: "bass" });
  expect(happened).toBe("The backend refused the processor; no run was started.");
  expect(next).toMatch(/^Did you mean base\? Call create_task_run again/);
  expect(next).toMatch(/Known ones: lite, base, .*, ultra8x; -fast variants exist\.$/);
  expect(await ledgerOf(client)).toEqual([]);
});

test("403 of a look: the account may not, and the user is told", async () => {
  const { url } = await startAnswering(403, JSON.stringify({ error: { message: "No." } }));
  const { next } = await get(await serve(url));
  expect(next).toBe("Tell the user: the account of this server lacks the permission.");
});

test.each([
  [401, "<html>Sign in</html>"],
  [402, "<html>Payment</html>"],
  [403, "<html>Blocked by policy</html>"],
  [403, ""],
  [404, "<html>404 Not Found</html>"],
  [404, '{"detail":"Not Found"}'],
  [403, '{"error":{"code":403,"message":"Forbidden"}}'],
  [422, '{"message":"no"}'],
  [400, "<html>Bad Request</html>"],
])(
  "a %i that is not the Task API's (%s) claims nothing of a run, a key or a processor",
  async (status, body) => {
    const { url } = await startAnswering(status, body);
    const client = await serve(url);
    const created = await create(client, { processor: "base" });
    expect(created.happened).toContain(`turned away (status ${status})`);
    expect(created.happened).toContain("a firewall, proxy or gateway answered");
    expect(created.next).toContain("No run was started: a request that is turned away is not");
    expect(await ledgerOf(client)).toEqual([]);
    const looked = await get(client);
    expect(looked.happened).toBe(created.happened);
    expect(looked.next).toContain("It says nothing about the run or the key");
    expect(looked.next).toContain(GET_AGAIN);
  },
);

test.each(["hosted", "extended"] as Profile[])(
  "404, %s profile: a run that failed is told from one that nobody knows",
  async (profile) => {
    const { url } = await startEngine({ profile });
    const client = await serve(url);
    const { report } = await client.call("create_task_run", { input: "bad one", wait_seconds: 30 });
    expect(report).toMatchObject({ status: "failed", error: "Nothing about bad one" });
    for (const view of ["auto", "output", "basis", "events", "status"]) {
      const look = await client.call("get_task_run", { run_id: report.run_id, view });
      expect(look.isError, view).toBe(false);
      expect(look.report.status, view).toBe("failed");
    }
    for (const wait_seconds of [0, 5]) {
      const unknown = await errorOf(client, "get_task_run", { run_id: "trun_x", wait_seconds });
      expect(unknown.happened).toBe("No run trun_x is known to the backend.");
      expect(unknown.next).toContain("exactly as create_task_run returned it");
    }
    const group = await errorOf(client, "get_task_group", { taskgroup_id: "tgrp_x" });
    expect(group.happened).toBe("No task group tgrp_x is known to the backend.");
  },
);

test("408: a run that is not ready is a normal answer, not an error", async () => {
  const statuses: number[] = [];
  const { url } = await startEngine({}, (request, response) => {
    if (request.url?.includes("/result") === true) {
      response.once("finish", () => statuses.push(response.statusCode));
    }
    if (request.url?.includes("/events") !== true) return false;
    response.writeHead(404).end();
    return true;
  });
  const client = await serve(url, { longPollSeconds: 1, clock: systemClock });
  const { report: created } = await client.call("create_task_run", { input: "slow one" });
  const { report, isError } = await client.call("get_task_run", {
    run_id: created.run_id,
    wait_seconds: 3,
  });
  expect(isError).toBe(false);
  expect(report).toMatchObject({ is_active: true });
  expect(report.summary).toContain("is still running after 3 s of waiting");
  expect(report.next_step).toContain("get_task_run with this run_id");
  expect(statuses).toContain(408);
});

test("413: the request is too large; nothing was started, and it has to be shorter", async () => {
  const { url } = await startEngine({ limits: { bodyBytes: 2_000 } });
  const client = await serve(url);
  const { happened, next } = await create(client, { input: "Why? ".repeat(500) });
  expect(happened).toContain("larger than the backend takes (status 413)");
  expect(next).toBe("Nothing was started. Shorten the input, and call create_task_run again.");
  expect(await ledgerOf(client)).toEqual([]);
});

test("422: the fields that the backend objects to are named", async () => {
  const { url } = await startEngine({});
  const client = await serve(url);
  const { happened, next, upstream } = await create(client, {
    webhook: { url: "http://10.0.0.1/hook", event_types: ["task_run.status"] },
  });
  expect(happened).toContain("found fields of the request invalid (status 422)");
  expect(next).toBe("Correct what the backend objects to and call create_task_run again.");
  expect(upstream).toContain("body.webhook.url: ");
  expect(await ledgerOf(client)).toEqual([]);
});

test("429: when it may be tried again is said; a short wait is waited", async () => {
  const { url } = await startEngine({ tenants: await tenantsWith({ creates_per_minute: 1 }) });
  const client = await serve(url);
  await client.call("create_task_run", { input: "The first" });
  const { happened, next } = await create(client);
  expect(happened).toContain("asks for fewer requests");
  expect(next).toMatch(
    /^No run was started\. Wait [1-6]?\d s, then call create_task_run with the same arguments\.$/,
  );
  expect(await ledgerOf(client)).toHaveLength(1);

  let refusals = 0;
  const busy = await startEngine({}, (request, response) => {
    if (request.method !== "POST" || refusals === 2) return false;
    refusals += 1;
    request.resume();
    response.writeHead(429, { "retry-after": "2" }).end();
    return true;
  });
  const patient = await serve(busy.url);
  const { report, isError } = await patient.call("create_task_run", { input: "Why?" });
  expect(isError).toBe(false);
  expect(report.run_id).toMatch(/^trun_/);
  expect(busy.requests.filter((request) => request === "POST /v1/tasks/runs")).toHaveLength(3);
});

describe.each([500, 502, 503, 504])("%i", (status) => {
  test("of a look: runs go on, it was repeated, and may be again", async () => {
    const { url, requests } = await startAnswering(status, "<html>gateway</html>");
    const { happened, next } = await get(await serve(url));
    expect(happened).toContain(`The backend failed (status ${status}).`);
    expect(next).toContain(`Runs that were started go on. Wait a moment, then call ${GET_AGAIN}.`);
    expect(next).toContain("If it fails again, tell the user that the backend cannot be reached.");
    expect(requests).toHaveLength(4);
  });

  test("of a create: it is not known, not repeated, and stands in the list", async () => {
    const { url, requests } = await startAnswering(status, "");
    const client = await serve(url);
    const { next } = await create(client);
    expect(next).toContain("It is not known whether the run was started.");
    expect(next).toContain('list_task_runs {"status":"unknown"}');
    expect(requests.filter((request) => request === "POST /v1/tasks/runs")).toHaveLength(1);
    expect(await ledgerOf(client)).toEqual(["unknown"]);
  });
});

test("unreachable: surely nothing was started", async () => {
  // A port that was free a moment ago: nobody listens there.
  const { url } = await startClosed();
  const client = await serve(url);
  const { happened, next } = await create(client);
  expect(happened).toContain("The backend cannot be reached (ECONNREFUSED).");
  expect(next).toContain("No run was started.");
  expect(await ledgerOf(client)).toEqual([]);
  expect((await get(client)).next).toContain(GET_AGAIN);
});

test("a connection that breaks after the request: it is not known", async () => {
  const { url } = await startLoopbackServer((request) => {
    request.resume().once("end", () => request.socket.resetAndDestroy());
  });
  const client = await serve(url);
  const { happened, next } = await create(client);
  expect(happened).toContain("The connection to the backend broke");
  expect(next).toContain("It is not known whether the run was started.");
  expect(await ledgerOf(client)).toEqual(["unknown"]);
});

test("no answer within the time: a look may be repeated, a create is not known", async () => {
  const clock = createManualClock();
  const { url } = await startLoopbackServer(() => clock.advance(30_000));
  const client = await serve(url, { clock });
  const { happened, next } = await create(client);
  expect(happened).toContain("did not answer within the time limit");
  expect(next).toContain("It is not known whether the run was started.");
  expect(await ledgerOf(client)).toEqual(["unknown"]);
  expect((await get(client)).next).toContain(GET_AGAIN);
});

test.each([
  ["a page", 200, "<html>Sign in</html>", {}, "It is not known whether the run was started."],
  ["JSON of another API", 200, '{"ok":true}', {}, "It is not known whether the run was started."],
  ["a redirect", 302, "", { location: "/login" }, "No run was started."],
] as const)(
  "%s in place of the API's body: the base URL is named",
  async (_name, status, body, headers, outcome) => {
    const { url } = await startAnswering(status, body, headers);
    const client = await serve(url);
    const look = await get(client);
    expect(look.happened).toContain("Check the base URL.");
    expect(look.next).toContain(GET_AGAIN);
    const { happened, next } = await create(client);
    expect(happened).toContain("Check the base URL.");
    expect(next).toContain(outcome);
  },
);

test("what costs too much is refused without a request", async () => {
  const { url, requests } = await startAnswering(500, "");
  const client = await serve(url);
  const { happened, next } = await create(client, { processor: "pro", max_cost_usd: 0.01 });
  expect(happened).toContain("This would cost $0.1, more than max_cost_usd $0.01.");
  expect(next).toContain("Call create_task_run again with a cheaper processor");
  expect(requests).toEqual([]);
});

async function startClosed(): Promise<{ url: string }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}` };
}
