import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { openLedgerStore } from "../../src/ledger/open-ledger-store.ts";
import { UNKNOWN } from "../../src/ledger/ledger.ts";
import type { Backend } from "../../src/mcp/runs/backend.ts";
import { scopeToPrincipal } from "../../src/client/scoped-client.ts";
import {
  deferred,
  silentLog,
  startTestEngine,
  temporaryFolder,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { backendOf, connect } from "./connect.ts";

const PROFILES = ["extended", "hosted"] as const;
type Profile = (typeof PROFILES)[number];

/** Answers a request in place of the engine; undefined: lets it pass. */
type Fault = (request: Request, engine: Engine) => Promise<Response> | undefined;

/** A backend that fails as `fault` says at this moment, in front of an engine whose runs answer with two fields. */
async function faulty(profile: Profile = "extended") {
  const engine = await startTestEngine(
    async ({ input, signal }) => {
      const question = typeof input.input === "string" ? input.input : "";
      if (question.startsWith("slow")) return untilAborted(signal);
      const citations = [
        { url: "https://a.example/page", title: "A", excerpts: ["what it says ".repeat(50)] },
        { url: "https://b.example/page", title: "B", excerpts: ["more"] },
      ];
      return {
        output: {
          type: "json" as const,
          content: { city: question, people: 7 },
          basis: ["city", "people"].map((field) => ({
            field,
            reasoning: `why ${field} of ${question}`,
            confidence: "high",
            citations,
          })),
        },
        warnings: [],
      };
    },
    { profile },
  );
  const state: { fault: Fault; posts: string[] } = { fault: () => undefined, posts: [] };
  const handle = async (request: Request) => {
    if (request.method === "POST") state.posts.push(new URL(request.url).pathname);
    return state.fault(request, engine) ?? engine.fetch(request);
  };
  const backend = await backendOf(handle, "hosted");
  const client = await connect(async () => backend);
  const unknown = async () =>
    (await backend.ledger.list({ status: [UNKNOWN], limit: 100 })).entries.length;
  return { engine, backend, client, state, handle, unknown };
}

const isLook = ({ method, url }: Request) => method === "GET" && /\/groups\/[^/]+$/.test(url);
const isAddRuns = ({ method, url }: Request) =>
  method === "POST" && /\/groups\/[^/]+\/runs$/.test(url);
const refuse = (status: number, headers: Record<string, string> = {}) =>
  Promise.resolve(new Response('{"type":"error"}', { status, headers }));

test.each([
  ["a 429", () => refuse(429, { "retry-after": "60" })],
  ["a 401", () => refuse(401)],
  ["a 404", () => refuse(404)],
  ["a 502", () => refuse(502)],
  ["a reset", () => Promise.reject(new Error("read ECONNRESET"))],
  ["garbage", () => Promise.resolve(new Response("<html>"))],
] as const)(
  "%s at the look after the runs of a group were started is a note of a success",
  async (_name, answer) => {
    const { client, backend, state } = await faulty();
    state.fault = (request) => (isLook(request) ? answer() : undefined);
    for (const wait_seconds of [0, 1]) {
      const { report, isError, text } = await client.call("create_task_group", {
        inputs: ["slow 1", "slow 2", "slow 3"],
        wait_seconds,
      });
      expect(isError, text).toBe(false);
      expect(report).toMatchObject({
        taskgroup_id: expect.stringMatching(/^tgrp_/),
      });
      expect(report.batches).toBeUndefined();
      expect(report.summary).toContain("Started 3 runs.");
      if (wait_seconds === 0) expect(text).toContain("Note: The group could not be read yet");
      expect(text).not.toContain("No run was started");
      state.fault = (request) => (isLook(request) ? answer() : undefined);
      const ledger = await backend.ledger.list({
        taskgroupId: report.taskgroup_id ?? "",
        limit: 9,
      });
      expect(ledger.entries.map(({ runId }) => runId?.slice(0, 5))).toEqual(
        Array.from({ length: 3 }, () => "trun_"),
      );
    }
  },
);

test.each(
  PROFILES.flatMap((profile) => [true, false].map((isHeard) => [profile, isHeard] as const)),
)(
  "%s: the same key settles a batch whose answer was lost (heard by the backend: %s), and starts nothing twice",
  async (profile, isHeard) => {
    const { client, backend, state, unknown } = await faulty(profile);
    state.fault = (request, engine) => {
      if (isLook(request)) return refuse(502);
      if (!isAddRuns(request)) return undefined;
      const lose = () => Promise.reject(new Error("read ECONNRESET"));
      return isHeard ? engine.fetch(request).then(lose) : lose();
    };
    const args = { inputs: ["slow 1", "slow 2", "slow 3"], idempotency_key: "list-1" };
    const first = await client.call("create_task_group", args);
    expect(first.isError, first.text).toBe(false);
    expect(first.report.batches).toMatchObject([{ from: 1, to: 3, outcome: "unknown" }]);
    expect(first.report.next_step).toContain(
      "Inputs 1 to 3: call create_task_group again with the same arguments and the same idempotency_key",
    );
    expect(await unknown()).toBe(3);

    state.fault = () => undefined;
    const again = await client.call("create_task_group", args);
    expect(again.report.taskgroup_id).toBe(first.report.taskgroup_id);
    expect(again.report.summary).toContain(isHeard ? "Nothing was started" : "Started 3 runs.");
    const group = await backend.client.retrieveGroup(again.report.taskgroup_id ?? "");
    expect(group.status.num_task_runs).toBe(3);
    expect(await unknown()).toBe(0);
  },
);

test.each(PROFILES)(
  "%s: a lost answer is had again in the same call, from the group itself if need be",
  async (profile) => {
    const { client, state, unknown } = await faulty(profile);
    state.fault = (request, engine) =>
      isAddRuns(request) ? engine.fetch(request).then(() => refuse(502)) : undefined;
    const { report } = await client.call("create_task_group", { inputs: ["slow 1", "slow 1"] });
    expect(report.summary).toContain("Started 2 runs.");
    expect(await unknown()).toBe(0);
  },
);

test("rows of a lost batch are recognised when the backend keeps their keys in another order", async () => {
  const { client, backend, state, unknown } = await faulty("hosted");
  let isLost = true;
  state.fault = (request, engine) => {
    if (isAddRuns(request) && isLost) {
      return engine.fetch(request).then(() => Promise.reject(new Error("read ECONNRESET")));
    }
    if (isLost) return isLook(request) ? refuse(502) : undefined;
    if (!request.url.includes("/runs?")) return undefined;
    return engine.fetch(request).then(async (answer) => {
      const text = (await answer.text()).replaceAll(
        /"name":("\w+"),"year":(\d+)/g,
        '"year":$2,"name":$1',
      );
      return new Response(text, answer);
    });
  };
  const inputs = [1, 2].map((year) => ({ name: "slow", year }));
  const args = { inputs, idempotency_key: "rows" };
  await client.call("create_task_group", args);
  isLost = false;
  const { report } = await client.call("create_task_group", args);
  expect(report.batches).toEqual([{ from: 1, to: 2, outcome: "added_before" }]);
  const group = await backend.client.retrieveGroup(report.taskgroup_id ?? "");
  expect(group.status.num_task_runs).toBe(2);
  expect(await unknown()).toBe(0);
});

test("runs that another batch of the same question was given are not counted twice", async () => {
  const { client, backend, state } = await faulty();
  const { taskgroup_id } = (await client.call("create_task_group", { inputs: ["slow 0"] })).report;
  const of = (key: string) => ({
    taskgroup_id,
    inputs: ["slow 1", "slow 1"],
    idempotency_key: key,
  });
  // The first list never arrives, the second does, and both answers are lost.
  state.fault = (request) => (isAddRuns(request) || isLook(request) ? refuse(502) : undefined);
  await client.call("create_task_group", of("one"));
  state.fault = (request, engine) => {
    if (isLook(request)) return refuse(502);
    return isAddRuns(request) ? engine.fetch(request).then(() => refuse(502)) : undefined;
  };
  await client.call("create_task_group", of("two"));
  state.fault = () => undefined;
  await client.call("get_task_group", { taskgroup_id, wait_seconds: 0 });
  for (const key of ["two", "one", "two"]) await client.call("create_task_group", of(key));
  const group = await backend.client.retrieveGroup(taskgroup_id ?? "");
  expect(group.status.num_task_runs).toBe(5);
});

test("the key of an add-runs request follows from the group's key and its runs", async () => {
  const keys: (string | null)[] = [];
  const { client, state } = await faulty();
  state.fault = (request) => {
    if (!isAddRuns(request)) return undefined;
    keys.push(request.headers.get("idempotency-key"));
    return refuse(502);
  };
  const args = { inputs: ["slow 1", "slow 2"], idempotency_key: "list-1" };
  await client.call("create_task_group", args);
  await client.call("create_task_group", args);
  expect(keys).toHaveLength(2);
  expect(keys[0]).toBe(keys[1]);
  await client.call("create_task_group", {
    inputs: ["slow 1", "slow 2"],
    idempotency_key: "other",
  });
  expect(keys[2]).not.toBe(keys[0]);
});

test("keyed inputs that were not sent are sent again with the key, never without it", async () => {
  const { client, state } = await faulty("hosted");
  state.fault = (request) => (isAddRuns(request) || isLook(request) ? refuse(502) : undefined);
  const inputs = Array.from({ length: 1_001 }, (_, index) => `slow ${index}`);
  const { report } = await client.call("create_task_group", { inputs, idempotency_key: "long" });
  expect(report.batches?.map(({ outcome }) => outcome)).toEqual(["unknown", "not_sent"]);
  expect(report.next_step).not.toContain("send only these again");
  expect(report.next_step).toContain("it starts only what is missing");
});

test("a group that cannot be created has cost nothing, and says so", async () => {
  const { client, state } = await faulty();
  state.fault = ({ method, url }) =>
    method === "POST" && url.endsWith("/groups") ? refuse(502) : undefined;
  const { isError, text } = await client.call("create_task_group", { inputs: ["slow 1"] });
  expect(isError).toBe(true);
  expect(text).toContain("No run was started.");
  expect(text).not.toContain("billed");
});

test("failed runs that cannot be read have not been started again, and that is said", async () => {
  const { client, state } = await faulty();
  const { report } = await client.call("create_task_group", { inputs: ["slow 1"] });
  for (const answer of [() => refuse(502), () => Promise.reject(new Error("read ECONNRESET"))]) {
    state.fault = ({ method, url }) =>
      method === "GET" && url.includes("/runs?") ? answer() : undefined;
    const { isError, text } = await client.call("create_task_group", {
      taskgroup_id: report.taskgroup_id,
      retry_run_ids: ["trun_1"],
    });
    expect(isError).toBe(true);
    expect(text).toContain("No run was started.");
    expect(text).not.toContain("billed");
  }
});

test.each(PROFILES)(
  "%s: runs of one's own group are one's own, also when the answer that named them was lost",
  async (profile) => {
    const { backend } = await faulty(profile);
    const ledgers = await openLedgerStore({ path: ":memory:", now: Date.now, log: silentLog });
    onTestFinished(() => ledgers.close());
    const of = (principal: string) => {
      const ledger = ledgers.of({ backend: "x", keyFingerprint: null, principal });
      return scopeToPrincipal(backend.client, ledger, principal);
    };
    const alice = of("alice");
    const { taskgroup_id } = await alice.createGroup({});
    const inputs = [{ input: "slow 1", processor: "base" }];
    const { run_ids } = await backend.client.addRuns(taskgroup_id, { inputs });
    const [runId = ""] = run_ids;
    await expect(of("bob").retrieveRun(runId)).rejects.toThrow("no such run");
    expect(await of("alice").retrieveRun(runId)).toMatchObject({ run_id: runId });
    const shown: string[] = [];
    for await (const event of alice.streamGroupRuns(taskgroup_id, {})) {
      if (event.type === "task_run.state") shown.push(event.run.run_id);
    }
    expect(shown).toEqual([runId]);
    expect(await alice.retrieveRun(runId)).toMatchObject({ run_id: runId });
  },
);

test("a key that is known leads to its run, also while the run cannot be looked at", async () => {
  const { client, state } = await faulty();
  const args = { input: "slow 1", idempotency_key: "k" };
  const { report } = await client.call("create_task_run", args);
  for (const status of [429, 401, 404, 502]) {
    state.fault = ({ method }) => (method === "GET" ? refuse(status) : undefined);
    const again = await client.call("create_task_run", args);
    expect(again.isError, again.text).toBe(false);
    expect(again.report.run_id).toBe(report.run_id);
    expect(again.text).toContain("it is shown as last seen");
  }
  expect(state.posts).toEqual(["/v1/tasks/runs"]);
});

test.each(PROFILES)(
  "%s: a refusal of the second try does not say that the first started nothing",
  async (profile) => {
    const { client, state, engine } = await faulty(profile);
    const args = { input: "slow 1", idempotency_key: "k" };
    state.fault = (request) =>
      request.method === "POST"
        ? engine.fetch(request).then(() => Promise.reject(new Error("read ECONNRESET")))
        : refuse(502);
    await client.call("create_task_run", args);
    for (const status of [429, 401, 404, 403, 422, 502]) {
      for (const isSupportKnown of [false, true]) {
        state.fault = ({ method, url }) =>
          isSupportKnown && method === "GET" && url.endsWith("limit=1")
            ? undefined
            : refuse(status);
        const { isError, text } = await client.call("create_task_run", args);
        expect(isError, text).toBe(true);
        expect(text).not.toContain("No run was started");
      }
    }
    state.fault = () => undefined;
    const { isError, report } = await client.call("create_task_run", args);
    expect(isError).toBe(profile === "hosted");
    if (profile === "extended") expect(report.run_id).toMatch(/^trun_/);
  },
);

test("a look that fails after a cancel does not hide that the backend took it", async () => {
  const { client, state } = await faulty();
  const run = await client.call("create_task_run", { input: "slow 1" });
  const group = await client.call("create_task_group", { inputs: ["slow 1"] });
  let isCancelled = false;
  state.fault = ({ method, url }) => {
    isCancelled ||= method === "POST" && url.endsWith("/cancel");
    return method === "GET" && isCancelled ? refuse(404) : undefined;
  };
  const ofRun = await client.call("cancel_task_run", { run_id: run.report.run_id });
  expect(ofRun.isError, ofRun.text).toBe(false);
  expect(ofRun.report.outcome).toMatch(/^cancell/);
  expect(ofRun.text).toContain("Note: The run could not be read again");
  isCancelled = false;
  const { taskgroup_id } = group.report;
  const ofGroup = await client.call("cancel_task_group", { taskgroup_id });
  expect(ofGroup.isError, ofGroup.text).toBe(false);
  expect(ofGroup.report.outcome).toMatch(/^cancell/);
  expect(ofGroup.text).toContain("Note: The group could not be read again");
});

/** Two backends as two processes have them: one ledger file, one Task API. */
async function twoProcesses(profile: Profile) {
  const first = await faulty(profile);
  const path = join(await temporaryFolder(), "ledger.sqlite");
  const scope = { backend: "x", keyFingerprint: null, principal: null };
  const process = async (): Promise<Backend> => {
    const ledgers = await openLedgerStore({ path, now: Date.now, log: silentLog });
    onTestFinished(() => ledgers.close());
    return { ...(await backendOf(first.handle, "hosted")), ledger: ledgers.of(scope) };
  };
  const backends = [await process(), await process()] as const;
  const clients = await Promise.all(backends.map((backend) => connect(async () => backend)));
  return { ...first, backends, clients };
}

test.each(PROFILES)(
  "%s: the same key in a second process waits for the first, whose run both get",
  async (profile) => {
    const { clients, state, engine } = await twoProcesses(profile);
    const isHeard = deferred();
    const goOn = deferred();
    state.fault = (request) => {
      // The second asks whether keys are honoured, and knows then whether to wait.
      if (request.method === "GET" && request.url.includes("/runs?limit=1")) goOn.resolve();
      if (request.method !== "POST") return undefined;
      isHeard.resolve();
      return goOn.promise.then(() => engine.fetch(request));
    };
    const args = { input: "slow 1", idempotency_key: "k" };
    const [one, two] = clients;
    const first = one?.call("create_task_run", args);
    await isHeard.promise;
    const second = two?.call("create_task_run", args);
    const answers = [await first, await second];
    expect(answers.map((answer) => answer?.isError)).toEqual([false, false]);
    expect(new Set(answers.map((answer) => answer?.report.run_id)).size).toBe(1);
  },
);

test.each(PROFILES)("%s: so does the same list in a second process", async (profile) => {
  const { clients, backends } = await twoProcesses(profile);
  const args = { inputs: ["slow 1", "slow 2"], idempotency_key: "k" };
  const answers = await Promise.all(
    clients.map((client) => client.call("create_task_group", args)),
  );
  const [id, ...others] = new Set(answers.map(({ report }) => report.taskgroup_id));
  expect(others).toEqual([]);
  expect(new Set(answers.map(({ report }) => report.summary.split(/[.:]/)[0]))).toEqual(
    new Set(["Nothing was started", "Started 2 runs"]),
  );
  const group = await backends[0].client.retrieveGroup(id ?? "");
  expect(group.status.num_task_runs).toBe(2);
});

test("a run whose answer was lost is found in our engine's list of runs", async () => {
  const { client, state, engine, unknown } = await faulty();
  state.fault = (request) =>
    request.method === "POST" ? engine.fetch(request).then(() => refuse(502)) : undefined;
  const lost = await client.call("create_task_run", { input: "slow 1" });
  expect(lost.isError).toBe(true);
  expect(lost.text).toContain(
    'list_task_runs {"status":"unknown"} in a moment, which looks for it',
  );
  state.fault = () => undefined;
  await client.call("create_task_run", { input: "slow 2" });
  const { report } = await client.call("list_task_runs", {});
  expect(report.runs?.map(({ question, status }) => [question, status])).toEqual([
    ["slow 2", expect.stringMatching(/queued|running/)],
    ["slow 1", expect.stringMatching(/queued|running/)],
  ]);
  expect(await unknown()).toBe(0);
});

test("a lost run is not taken for one of the same question that asks for another output", async () => {
  const { client, state, engine, unknown } = await faulty();
  const of = (format: string, key?: string) => ({
    input: "slow 1",
    task_spec: { output_schema: { type: "text", description: format } },
    metadata: { team: "a", row: 7 },
    source_policy: { include_domains: ["example.com"] },
    enable_events: true,
    ...(key !== undefined && { idempotency_key: key }),
  });
  const lose = async (isHeard: boolean, args: Record<string, unknown>) => {
    state.fault = (request) => {
      if (request.method !== "POST") return refuse(502);
      const lost = () => Promise.reject(new Error("read ECONNRESET"));
      return isHeard ? engine.fetch(request).then(lost) : lost();
    };
    await client.call("create_task_run", args);
    state.fault = () => undefined;
  };
  await lose(false, of("a number", "k-1"));
  await lose(true, of("a table", "k-2"));
  await lose(false, of("a list"));
  await client.call("list_task_runs", {});
  expect(await unknown()).toBe(2);
  const first = await client.call("create_task_run", of("a number", "k-1"));
  const second = await client.call("create_task_run", of("a table", "k-2"));
  expect(first.report.run_id).not.toBe(second.report.run_id);
  await lose(false, of("a number", "k-3"));
  await lose(true, of("a table", "k-4"));
  const third = await client.call("create_task_run", of("a number", "k-3"));
  const fourth = await client.call("create_task_run", of("a table", "k-4"));
  expect(third.report.run_id).not.toBe(fourth.report.run_id);
});

test("one call reads the evidence of a whole group, or one field over all its rows", async () => {
  const { client } = await faulty();
  const inputs = Array.from({ length: 30 }, (_, index) => `City ${index}`);
  const { report: created } = await client.call("create_task_group", { inputs, wait_seconds: 30 });
  const { taskgroup_id } = created;
  const field = await client.call("get_task_group", { taskgroup_id, field: "city", limit: 100 });
  expect(field.report.runs?.map(({ output }) => output).toSorted()).toEqual(inputs.toSorted());

  const seen: unknown[] = [];
  let cursor: string | undefined;
  do {
    const { report, text } = await client.call("get_task_group", {
      taskgroup_id,
      view: "basis",
      limit: 100,
      ...(cursor !== undefined && { cursor }),
    });
    expect(text.length + JSON.stringify(report).length).toBeLessThan(35_000);
    for (const { question, basis } of report.runs ?? []) {
      seen.push(question);
      expect(basis).toMatchObject([
        { field: "city", confidence: "high", reasoning: `why city of ${question}` },
        { field: "people", citations: [{ url: "https://a.example/page" }, { title: "B" }] },
      ]);
    }
    cursor = report.next_cursor;
    if (cursor !== undefined) expect(report.next_step).toContain('view "basis"');
  } while (cursor !== undefined);
  expect(new Set(seen)).toEqual(new Set(inputs));
  expect(seen).toHaveLength(inputs.length);

  const one = { taskgroup_id, view: "basis", field: "people" };
  const { report } = await client.call("get_task_group", one);
  expect(report.runs?.[0]?.basis?.map((entry) => entry["field"])).toEqual(["people"]);
  const none = await client.call("get_task_group", { taskgroup_id, field: "mayor" });
  expect(none.report.next_step).toContain('No row here has a field "mayor"');
});
