import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openBackends } from "../../src/commands/wiring/open-backend.ts";
import { RunNotFound } from "../../src/client/errors.ts";
import {
  silentLog,
  startTestEngine,
  temporaryFolder,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { listen } from "../engine/raw-http.ts";
import { clientKinds } from "../mcp/connect.ts";
import { TOKENS, connectHttp, post, startHttp, tokensOf } from "./start-http.ts";

describe.each(clientKinds)("two principals with one account, %s", (kind) => {
  async function meet() {
    const engine = await startTestEngine(async ({ input, previous, signal }) => {
      if (input.input === "slow") return untilAborted(signal);
      return textResult(`secret of ${JSON.stringify(input.input)} after ${previous.length}`);
    });
    const { url } = await startHttp(engine);
    const alice = await connectHttp(kind, url, TOKENS.alice);
    const bob = await connectHttp(kind, url, TOKENS.bob);
    return { alice, bob };
  }

  test("no tool shows or stops a run of the other", async () => {
    const { alice, bob } = await meet();
    const { report } = await alice.call("create_task_run", { input: "slow" });
    const run_id = report.run_id ?? "";
    expect((await bob.call("list_task_runs", {})).report.runs).toEqual([]);
    for (const view of ["auto", "status", "output", "basis", "events"]) {
      const seen = await bob.call("get_task_run", { run_id, view, wait_seconds: 1 });
      expect(seen.isError).toBe(true);
      expect(seen.text).not.toContain("secret");
    }
    const cancelled = await bob.call("cancel_task_run", { run_id });
    expect(cancelled.report.outcome).toBe("not_found");
    const still = await alice.call("get_task_run", { run_id, wait_seconds: 0 });
    expect(still.report).toMatchObject({ run_id, is_active: true });
    await alice.call("cancel_task_run", { run_id });
  });

  test("lists, repeated questions and the backend's own list show no run of the other", async () => {
    const { alice, bob } = await meet();
    const own = new Map<typeof alice, Set<string>>();
    for (const one of [alice, bob, alice, bob]) {
      const ids = own.get(one) ?? new Set<string>();
      own.set(one, ids);
      for (let index = 0; index < 5; index += 1) {
        const { report } = await one.call("create_task_run", { input: "slow" });
        ids.add(report.run_id ?? "");
      }
    }
    for (const [one, ids] of own) {
      // More than are looked at one by one, so the backend's list is read, which has those of both.
      const { report } = await one.call("list_task_runs", { status: "active", view: "ids" });
      expect(new Set(report.run_ids)).toEqual(ids);
      const groups = await one.call("list_task_runs", { view: "groups" });
      expect(groups.report.summary).toContain("10 runs outside of groups");
    }
    const asked = { input: "asked by alice" };
    const { report } = await alice.call("create_task_run", asked);
    const again = await bob.call("create_task_run", { ...asked, refuse_duplicate: true });
    expect(again.isError).toBe(false);
    expect(again.text).not.toContain(report.run_id);
  });

  test("no tool shows, adds to or stops a group of the other", async () => {
    const { alice, bob } = await meet();
    const inputs = [{ input: "one" }, { input: "slow" }];
    const { report } = await alice.call("create_task_group", { inputs });
    const taskgroup_id = report.taskgroup_id ?? "";
    expect(taskgroup_id).not.toBe("");
    for (const args of [
      { taskgroup_id, wait_seconds: 1 },
      { taskgroup_id, view: "results", wait_seconds: 0 },
      { taskgroup_id, view: "failures" },
    ]) {
      const seen = await bob.call("get_task_group", args);
      expect(seen.isError).toBe(true);
      expect(seen.text).not.toContain("secret");
    }
    expect((await bob.call("cancel_task_group", { taskgroup_id })).report.outcome).toBe(
      "not_found",
    );
    for (const idempotency_key of [undefined, "key-1", `creation of ${taskgroup_id}`]) {
      const args = { taskgroup_id, inputs: [{ input: "two" }], idempotency_key };
      const added = await bob.call("create_task_group", args);
      expect(added.isError).toBe(true);
      const seen = await bob.call("get_task_group", { taskgroup_id, wait_seconds: 0 });
      expect(seen.isError).toBe(true);
    }
    const retried = await bob.call("create_task_group", {
      taskgroup_id,
      retry_run_ids: ["trun_x"],
    });
    expect(retried.isError).toBe(true);
    expect((await bob.call("list_task_runs", { taskgroup_id })).report.runs).toEqual([]);
    await expect
      .poll(async () => {
        const own = await alice.call("get_task_group", { taskgroup_id, wait_seconds: 0 });
        return own.report.counts;
      })
      .toEqual({ completed: 1, running: 1 });
    await alice.call("cancel_task_group", { taskgroup_id });
  });

  test("the same idempotency key of two principals is two runs", async () => {
    const { alice, bob } = await meet();
    const args = { input: "one", idempotency_key: "key-1", wait_seconds: 10 };
    const first = await alice.call("create_task_run", args);
    const second = await bob.call("create_task_run", args);
    const again = await alice.call("create_task_run", args);
    expect(second.report.run_id).not.toBe(first.report.run_id);
    expect(again.report.run_id).toBe(first.report.run_id);
  });

  test("a follow-up on a run of the other is refused before it is sent", async () => {
    const { alice, bob } = await meet();
    const first = await alice.call("create_task_run", { input: "one", wait_seconds: 10 });
    const previous_interaction_id = first.report.run_id;
    const args = { input: "two", previous_interaction_id, wait_seconds: 10 };
    const foreign = await bob.call("create_task_run", args);
    expect(foreign.isError).toBe(true);
    expect(foreign.text).toContain("previous_interaction_id");
    expect((await alice.call("create_task_run", args)).text).toContain("after 1");
  });
});

test("no resource and no task shows or stops a run of the other", async () => {
  const engine = await startTestEngine(async ({ input, signal }) =>
    input.input === "slow" ? untilAborted(signal) : textResult(SECRET),
  );
  const { url } = await startHttp(engine);
  const alice = await connectHttp("v2 client, 2026-07-28", url, TOKENS.alice);
  const slow = (await alice.call("create_task_run", { input: "slow" })).report.run_id ?? "";
  const args = { input: "quick", wait_seconds: 10 };
  const quick = (await alice.call("create_task_run", args)).report.run_id ?? "";
  for (const runId of [slow, quick]) {
    for (const part of ["", "/output", "/basis", "/events"]) {
      const answer = await askAs("bob", url, "resources/read", {
        uri: `task-run://${runId}${part}`,
      });
      expect(answer).toMatchObject({ error: { code: -32_602 } });
      expect(JSON.stringify(answer)).not.toContain(SECRET);
    }
    for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
      const params = { taskId: runId, inputResponses: {} };
      expect(await askAs("bob", url, method, params)).toMatchObject({ error: { code: -32_602 } });
    }
  }
  const listed = JSON.stringify(await askAs("bob", url, "resources/list", {}));
  expect(listed).toContain("processors");
  expect(listed).not.toContain("trun_");
  // They are there for the one whose they are.
  const output = await askAs("alice", url, "resources/read", { uri: `task-run://${quick}/output` });
  expect(JSON.stringify(output)).toContain(SECRET);
  const task = await askAs("alice", url, "tasks/get", { taskId: slow });
  expect(task).toMatchObject({ result: { taskId: slow, status: "working" } });
});

const SECRET = "what only its owner may read";

/** One request of 2026-07-28 from a client that can have tasks. */
async function askAs(
  principal: keyof typeof TOKENS,
  url: string,
  method: string,
  params: { uri?: string; taskId?: string },
): Promise<unknown> {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {
      extensions: { "io.modelcontextprotocol/tasks": {} },
    },
  };
  const name = params.uri ?? params.taskId;
  const answer = await post(
    url,
    { jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } },
    {
      authorization: `Bearer ${TOKENS[principal]}`,
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      ...(name !== undefined && { "mcp-name": name }),
    },
  );
  const text = await answer.text();
  return JSON.parse(text.replace(/^[^{]*/, ""));
}

test("a principal's budget is its own; what others spend does not count", async () => {
  const engine = await startTestEngine(async () => textResult("ok"), { prices: {} });
  const { url } = await startHttp(engine, {
    access: { authenticators: [tokensOf({ budgetUsdPerDay: 0.015 })] },
  });
  const alice = await connectHttp("v1 client", url, TOKENS.alice);
  const bob = await connectHttp("v1 client", url, TOKENS.bob);
  const args = { input: "q", processor: "base", wait_seconds: 10 };
  expect((await alice.call("create_task_run", args)).isError).toBe(false);
  const refused = await alice.call("create_task_run", args);
  expect(refused.isError).toBe(true);
  expect(refused.text).toContain("0.015");
  expect((await bob.call("create_task_run", args)).isError).toBe(false);
  const unknown = await bob.call("create_task_run", { ...args, processor: "of-unknown-price" });
  expect(unknown.isError).toBe(true);
});

test("memory of two principals is kept apart", async () => {
  const seen: unknown[] = [];
  const engine = await startTestEngine(async ({ input }) => {
    seen.push(input.memory_scope_key);
    return textResult("ok");
  });
  const { url: baseUrl } = await listen(engine);
  const ledgerPath = join(await temporaryFolder(), "ledger.sqlite");
  const backends = await openBackends(
    { kind: "custom", baseUrl, apiKey: undefined, betas: [], inputsPerMinute: undefined },
    { pricesFile: undefined, ledgerPath },
    { version: "0.0.0-test", log: silentLog },
  );
  try {
    const alice = backends.of({ id: "alice", apiKey: null });
    const bob = backends.of({ id: "bob", apiKey: null });
    expect(backends.of({ id: "alice", apiKey: null })).toBe(alice);
    const input = { input: "q", processor: "base", memory_scope_key: "team" };
    const ids: string[] = [];
    for (const { client } of [alice, bob, alice]) {
      const { run_id } = await client.createRun(input);
      await client.retrieveResult(run_id, { timeoutSeconds: 10 });
      ids.push(run_id);
    }
    expect(seen[0]).toBe(seen[2]);
    expect(seen[0]).not.toBe(seen[1]);
    await expect(bob.client.retrieveInput(ids[0] ?? "")).rejects.toThrow(RunNotFound);
    await expect(async () => {
      for await (const _ of bob.client.streamEvents(ids[0] ?? "")) break;
    }).rejects.toThrow(RunNotFound);
  } finally {
    await backends.close();
  }
});
