import { describe, expect, test } from "vitest";
import {
  BackendFailed,
  BackendTimedOut,
  BackendUnreachable,
  InvalidRequest,
  RateLimited,
} from "../../src/client/errors.ts";
import { InvalidBeta } from "../../src/client/calls/beta-features.ts";
import {
  type TaskApiClientOptions,
  createClient,
} from "../../src/client/create-task-api-client.ts";
import type { EngineDeps } from "../../src/engine/engine.ts";
import { type RetryPolicy, defaultRetryPolicy } from "../../src/client/http/retry-policy.ts";
import type { TaskApiClient } from "../../src/client/task-api-client.ts";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { errorOf, thrownBy } from "./capture.ts";
import { type ChooseFault, type Fault, faultyShare, startFaultyProxy } from "./faulty-proxy.ts";
import { connectOverNetwork, startEngineServer } from "./loopback-server.ts";
import { createManualClock } from "./manual-clock.ts";

const question = { input: "What was the GDP of France in 2023?", processor: "base" };
/** Pauses too short to notice. */
const quick: RetryPolicy = { ...defaultRetryPolicy, firstDelayMs: 1, maxDelayMs: 5 };

/** The real engine behind a faulty proxy, and a client of it. */
async function connect({
  faults,
  engine: engineOptions = {},
  client: clientOptions = {},
}: {
  faults: ChooseFault;
  engine?: Partial<EngineDeps>;
  client?: Partial<TaskApiClientOptions>;
}) {
  const engine = await startTestEngine(async () => textResult("x"), engineOptions);
  const proxy = await startFaultyProxy({ target: engine.fetch, faults });
  const client = connectOverNetwork({ baseUrl: proxy.url, retryPolicy: quick, ...clientOptions });
  const direct = connectOverNetwork({
    baseUrl: (await startEngineServer(engine, () => false)).url,
  });
  const count = (method: string) =>
    proxy.requests.filter((request) => request.method === method).length;
  return { client, proxy, count, runs: async () => (await direct.listRuns({ limit: 100 })).runs };
}

/** The first so many POSTs have the fault, everything else passes. */
function firstPosts(times: number, fault: Fault): ChooseFault {
  let left = times;
  return ({ method }) => (method === "POST" && left-- > 0 ? fault : null);
}

const AFTER: Fault[] = ["drop-after", "503-after", "drop-midway"];
const BEFORE: Fault[] = ["drop-before", "503-before"];

describe("with an idempotency key and an engine that honours it", () => {
  test.each([...AFTER, ...BEFORE])(
    "a create that met with %s is sent again, and is one run",
    async (fault) => {
      const { client, count, runs } = await connect({ faults: firstPosts(2, fault) });
      const run = await client.createRun(question, { idempotencyKey: "k-1" });
      expect((await runs()).map(({ run_id }) => run_id)).toEqual([run.run_id]);
      // It asks once whether keys are honoured, however often it needs to know.
      expect([count("POST"), count("GET")]).toEqual([3, 1]);
    },
  );

  test("so is one whose answer cannot be read: it has the id of what was paid for", async () => {
    const engine = await startTestEngine(async () => textResult("x"));
    const server = await startFaultyProxy({ target: engine.fetch, faults: () => null });
    let broken = 2;
    const client = createClient({
      baseUrl: server.url,
      retryPolicy: quick,
      async fetch(url, init) {
        const answer = await fetch(url, init);
        const isBroken = init.method === "POST" && broken-- > 0;
        if (!isBroken) return answer;
        return new Response((await answer.text()).slice(0, 20), { status: answer.status });
      },
    });
    const run = await client.createRun(question, { idempotencyKey: "k-1" });
    const { runs } = await client.listRuns({});
    expect(runs.map(({ run_id }) => run_id)).toEqual([run.run_id]);
  });

  test("so is a group, and so are the runs added to it", async () => {
    const { client, count, runs } = await connect({ faults: firstPosts(1, "drop-after") });
    const group = await client.createGroup({}, { idempotencyKey: "k-group" });
    const again = await client.createGroup({}, { idempotencyKey: "k-group" });
    expect(again.taskgroup_id).toBe(group.taskgroup_id);
    // An empty group costs nothing, so there is no need to ask.
    expect([count("POST"), count("GET")]).toEqual([3, 0]);

    const adding = await connect({
      faults: ({ path }) => (path.endsWith("/runs") && lost-- > 0 ? "503-after" : null),
    });
    let lost = 0;
    const { taskgroup_id } = await adding.client.createGroup({});
    lost = 1;
    const body = { inputs: [question, question] };
    const added = await adding.client.addRuns(taskgroup_id, body, { idempotencyKey: "k-runs" });
    expect(added.status.num_task_runs).toBe(2);
    expect((await adding.runs()).map(({ run_id }) => run_id).toSorted()).toEqual(
      added.run_ids.toSorted(),
    );
    expect(await runs()).toEqual([]);
  });

  test("repeats end with the retry policy, and the error says that the outcome is unknown", async () => {
    const { client, count } = await connect({ faults: firstPosts(99, "503-before") });
    const error = await errorOf(client.createRun(question, { idempotencyKey: "k-1" }));
    expect(error).toBeInstanceOf(BackendFailed);
    expect(error).toMatchObject({ notProcessed: false });
    expect(count("POST")).toBe(quick.maxAttempts);
  });

  test.each([429, 401, 404, 422])(
    "a create whose answer was lost stays unknown when its repeat meets a %i",
    async (status) => {
      const engine = await startTestEngine(async () => textResult("x"));
      let posts = 0;
      const client = createClient({
        baseUrl: "http://engine",
        retryPolicy: quick,
        async fetch(url, init) {
          if (init.method !== "POST") return engine.fetch(new Request(url, init));
          posts += 1;
          if (posts > 1)
            return new Response('{"type":"error","error":{"message":"m"}}', { status });
          await engine.fetch(new Request(url, init));
          throw new Error("read ECONNRESET");
        },
      });
      const error = await errorOf(client.createRun(question, { idempotencyKey: "k-1" }));
      expect(error).toBeInstanceOf(BackendUnreachable);
      expect(error).toMatchObject({ notProcessed: false });
      expect(posts).toBeGreaterThan(1);
    },
  );

  test("a question without an answer is no yes, and no no: the next create asks again", async () => {
    let isDown = true;
    let lost = 1;
    const { client, runs, count } = await connect({
      faults({ method }) {
        if (method === "GET") return isDown ? "503-before" : null;
        return lost-- > 0 ? "drop-after" : null;
      },
    });
    const error = await errorOf(client.createRun(question, { idempotencyKey: "k-1" }));
    expect(error).toBeInstanceOf(BackendUnreachable);
    expect(count("POST")).toBe(1);
    expect(await errorOf(client.honoursIdempotencyKeys())).toBeInstanceOf(BackendFailed);
    isDown = false;
    lost = 1;
    await client.createRun(question, { idempotencyKey: "k-1" });
    expect(count("POST")).toBe(3);
    expect(await runs()).toHaveLength(1);
    expect(await client.honoursIdempotencyKeys()).toBe(true);
  });

  test("a 404 that passes is no lasting no: the next create asks again", async () => {
    let lost = 1;
    let isGone = true;
    const engine = await startTestEngine(async () => textResult("x"));
    const client = createClient({
      baseUrl: "http://engine",
      retryPolicy: quick,
      async fetch(url, init) {
        if (init.method !== "POST" && isGone) return new Response("<html>", { status: 404 });
        const answer = await engine.fetch(new Request(url, init));
        if (init.method === "POST" && lost-- > 0) throw new Error("read ECONNRESET");
        return answer;
      },
    });
    await errorOf(client.createRun(question, { idempotencyKey: "k-1" }));
    expect(await client.honoursIdempotencyKeys()).toBe(false);
    isGone = false;
    lost = 1;
    const run = await client.createRun(question, { idempotencyKey: "k-1" });
    expect((await client.listRuns({})).runs.map(({ run_id }) => run_id)).toEqual([run.run_id]);
  });

  test("a create that stalls has timed out and is not sent again; the same key finds its run", async () => {
    const clock = createManualClock();
    const { client, runs, proxy } = await connect({
      faults: firstPosts(1, "stall-after"),
      client: { clock },
    });
    const creating = errorOf(client.createRun(question, { idempotencyKey: "k-1" }));
    await expect.poll(runs).toHaveLength(1);
    await clock.until(() => clock.sleepers === 1);
    clock.advance(30_000);
    expect(await creating).toBeInstanceOf(BackendTimedOut);
    expect(proxy.requests).toHaveLength(1);
    const run = await client.createRun(question, { idempotencyKey: "k-1" });
    expect((await runs()).map(({ run_id }) => run_id)).toEqual([run.run_id]);
  });

  test("among many creates at once on a bad network, each is exactly one run or an honest unknown", async () => {
    const shares = { "drop-before": 0.1, "drop-after": 0.1, "503-before": 0.05, "503-after": 0.05 };
    const { client, runs, proxy } = await connect({ faults: faultyShare(7, shares) });
    const keys = Array.from({ length: 90 }, (_, index) => `k-${index}`);
    const outcomes = await Promise.allSettled(
      keys.map((key) =>
        client.createRun({ ...question, metadata: { key } }, { idempotencyKey: key }),
      ),
    );
    const all = await runs();
    const runIdsOf = (key: string) =>
      all.filter(({ metadata }) => metadata?.["key"] === key).map(({ run_id }) => run_id);
    for (const [index, key] of keys.entries()) {
      const outcome = outcomes[index];
      if (outcome?.status === "fulfilled") {
        expect(runIdsOf(key)).toEqual([outcome.value.run_id]);
      } else {
        expect(runIdsOf(key).length).toBeLessThan(2);
        expect(outcome?.reason).toMatchObject({ notProcessed: false });
      }
    }
    const lost = proxy.requests.filter(
      ({ method, fault }) => method === "POST" && fault === "drop-after",
    );
    expect(lost.length).toBeGreaterThan(3);
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(80);
  });
});

describe("a create whose outcome is unknown is not sent again", () => {
  test.each(AFTER)("without a key, after %s", async (fault) => {
    const { client, runs, proxy } = await connect({ faults: firstPosts(1, fault) });
    expect(await errorOf(client.createRun(question))).toMatchObject({ notProcessed: false });
    expect(proxy.requests).toHaveLength(1);
    expect(await runs()).toHaveLength(1);
  });

  test.each([...AFTER, ...BEFORE])(
    "with a key that the backend does not honour, after %s; it is asked about that each time",
    async (fault) => {
      const { client, proxy } = await connect({
        faults: firstPosts(2, fault),
        engine: { profile: "hosted" },
      });
      for (const idempotencyKey of ["k-1", "k-2"]) {
        const error = await errorOf(client.createRun(question, { idempotencyKey }));
        expect(error).toMatchObject({ notProcessed: false });
      }
      expect(await client.honoursIdempotencyKeys()).toBe(false);
      expect(proxy.requests.map(({ method }) => method)).toEqual(
        "POST GET POST GET GET".split(" "),
      );
    },
  );

  test("and a caller who leaves while the backend is asked gets the own reason", async () => {
    const leaving = new AbortController();
    const { client } = await connect({
      faults({ method }) {
        if (method === "POST") return "drop-after";
        leaving.abort("had enough");
        return "stall-before";
      },
    });
    const options = { idempotencyKey: "k-1", signal: leaving.signal };
    expect(await errorOf(client.createRun(question, options))).toBe("had enough");
  });
});

test.each(["", "two words", "line\nbreak", "schlüssel", "k".repeat(256)])(
  "the key %j is refused before anything is sent",
  async (idempotencyKey) => {
    const { client, proxy } = await connect({ faults: () => null });
    for (const creating of [
      client.createRun(question, { idempotencyKey }),
      client.createGroup({}, { idempotencyKey }),
      client.addRuns("tgrp_1", { inputs: [question] }, { idempotencyKey }),
    ]) {
      const error = await errorOf(creating);
      expect(error).toBeInstanceOf(InvalidRequest);
      expect(error).toMatchObject({ notProcessed: true, status: null });
      expect(error).toHaveProperty(["problems", 0, "loc"], ["header", "idempotency-key"]);
    }
    expect(proxy.requests).toEqual([]);
  },
);

describe("the account's quota", () => {
  const slow = (clock = createManualClock()) => ({ clock, inputsPerMinute: 3 });
  const waits = (clock: ReturnType<typeof createManualClock>) =>
    clock.sleeps.filter((ms) => ms > 60_000);

  test("holds creates back, each input of added runs counting; groups and reads are free", async () => {
    const options = slow();
    const { client, count } = await connect({ faults: () => null, client: options });
    const { taskgroup_id } = await client.createGroup({});
    await client.createRun(question);
    await client.addRuns(taskgroup_id, { inputs: [question, question] });
    await client.createGroup({});
    await client.retrieveGroup(taskgroup_id);
    const posts = count("POST");
    options.clock.advance(41_000);
    const held = client.createRun(question);
    await options.clock.until(() => options.clock.sleeps.includes(20_000));
    expect(count("POST")).toBe(posts);
    options.clock.advance(20_000);
    await held;
  });

  test("gives a create back that would be held too long, with when to try again", async () => {
    const options = slow();
    const { client, count } = await connect({ faults: () => null, client: options });
    const { taskgroup_id } = await client.createGroup({});
    await client.addRuns(taskgroup_id, { inputs: [question, question, question] });
    const held = errorOf(client.createRun(question));
    await options.clock.until(() => options.clock.sleeps.includes(25_000));
    options.clock.advance(25_000);
    const error = await held;
    expect(error).toBeInstanceOf(RateLimited);
    expect(error).toMatchObject({ notProcessed: true, retryAfterMs: 36_000 });
    expect(count("POST")).toBe(2);
    expect(options.clock.sleepers).toBe(0);
  });

  test("lets a create go that leaves the line, and sends nothing of it", async () => {
    const options = slow();
    const { client, count } = await connect({ faults: () => null, client: options });
    const { taskgroup_id } = await client.createGroup({});
    await client.addRuns(taskgroup_id, { inputs: [question, question, question] });
    const leaving = new AbortController();
    const held = errorOf(client.createRun(question, { signal: leaving.signal }));
    await options.clock.until(() => waits(options.clock).length === 1);
    leaving.abort("had enough");
    expect(await held).toBe("had enough");
    expect(count("POST")).toBe(2);
    expect(options.clock.sleepers).toBe(0);
  });

  test("that others use too ends in a 429: its Retry-After is waited for within the budget", async () => {
    const engine = await startTestEngine(async () => textResult("x"));
    let refusals = 1;
    const server = await startEngineServer(engine, (request, response) => {
      if (request.method !== "POST" || refusals-- <= 0) return false;
      response.writeHead(429, { "retry-after": "9" }).end();
      return true;
    });
    const clock = createManualClock();
    const client = connectOverNetwork({ baseUrl: server.url, clock });
    const creating = client.createRun(question);
    await clock.until(() => clock.sleeps.includes(9_000));
    clock.advance(9_000);
    expect(await creating).toHaveProperty("run_id");
    const { taskgroup_id } = await client.createGroup({});
    refusals = 99;
    const adding = errorOf(client.addRuns(taskgroup_id, { inputs: [question] }));
    await clock.until(() => clock.sleeps.filter((ms) => ms === 9_000).length === 2);
    clock.advance(9_000);
    const error = await adding;
    expect(error).toBeInstanceOf(RateLimited);
    expect(error).toMatchObject({ retryAfterMs: 9_000, notProcessed: true });
  });
});

describe("beta features", () => {
  const webhook = { url: "https://example.com/hook", event_types: ["task_run.status" as const] };

  async function betasOf(betas: string[], act: (client: TaskApiClient) => Promise<unknown>) {
    const engine = await startTestEngine(async () => textResult("x"), { requireBetas: true });
    const seen: (string | undefined)[] = [];
    const server = await startEngineServer(engine, (request) => {
      const header = request.headers["parallel-beta"];
      seen.push(header?.toString());
      return false;
    });
    await act(connectOverNetwork({ baseUrl: server.url, betas }));
    return seen;
  }

  test("that the operator adds are sent with every create, once each, and where a result is read", async () => {
    const seen = await betasOf(["field-basis-2025-11-25", "webhook-2025-08-12"], async (client) => {
      const run = await client.createRun({ ...question, webhook });
      await client.retrieveResult(run.run_id, { timeoutSeconds: 20 });
      await client.retrieveRun(run.run_id);
      const { taskgroup_id } = await client.createGroup({});
      await client.addRuns(taskgroup_id, { inputs: [question] });
    });
    expect(seen).toEqual([
      "webhook-2025-08-12,field-basis-2025-11-25",
      "field-basis-2025-11-25,webhook-2025-08-12",
      undefined,
      undefined,
      "field-basis-2025-11-25,webhook-2025-08-12",
    ]);
  });

  test("of added runs are those of all inputs together", async () => {
    const server = { type: "url" as const, url: "https://example.com/mcp", name: "files" };
    const seen = await betasOf([], async (client) => {
      const { taskgroup_id } = await client.createGroup({});
      await client.addRuns(taskgroup_id, {
        inputs: [
          { ...question, enable_events: true },
          question,
          { ...question, webhook, enable_events: true },
          { ...question, mcp_servers: [server] },
        ],
      });
    });
    expect(seen).toEqual([
      undefined,
      "events-sse-2025-07-24,webhook-2025-08-12,mcp-server-2025-07-17",
    ]);
  });

  test.each(["", "a,b", "a b", "a\nb", "sk-secret é"])("%j is no beta value", (beta) => {
    const fetch = () => Promise.reject(new Error("must not be called"));
    const refusal = thrownBy(() => createClient({ baseUrl: "http://host", betas: [beta], fetch }));
    expect(refusal).toBeInstanceOf(InvalidBeta);
    expect(String(refusal)).not.toContain("sk-secret");
  });
});
