import { expect, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { createPriceList } from "../../src/mcp/runs/price-list.ts";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOf, backendOn, connect } from "./connect.ts";

const PROFILES = ["extended", "hosted"] as const;

/** A backend whose engine counts the runs it was asked to create. */
async function countingBackend(
  profile: (typeof PROFILES)[number] = "extended",
  answer: (engine: Engine, request: Request) => Promise<Response> = (engine, request) =>
    engine.fetch(request),
) {
  const engine = await startTestEngine(async () => textResult("the answer"), { profile });
  const created: string[] = [];
  const backend = await backendOf(async (request) => {
    if (request.method === "POST" && request.url.endsWith("/v1/tasks/runs")) {
      created.push(request.url);
    }
    return answer(engine, request);
  }, "hosted");
  return { engine, backend, created };
}

test.each(PROFILES)("%s: the same idempotency_key returns the same run", async (profile) => {
  const { backend, created } = await countingBackend(profile);
  const client = await connect(async () => backend);
  const args = { input: "Why?", idempotency_key: "question-1" };
  const first = await client.call("create_task_run", args);
  const second = await client.call("create_task_run", args);
  expect(second.report.run_id).toBe(first.report.run_id);
  expect(second.report.summary).toMatch(
    /^No second run was started: this is the run of the idempotency_key, .* It is /,
  );
  expect(created).toHaveLength(1);
});

test("a key that belongs to another request is a mistake, and names the run it belongs to", async () => {
  const { backend, created } = await countingBackend();
  const client = await connect(async () => backend);
  const first = await client.call("create_task_run", { input: "Why?", idempotency_key: "k" });
  const other = await client.call("create_task_run", { input: "How?", idempotency_key: "k" });
  expect(other.isError).toBe(true);
  expect(other.text).toContain(`- idempotency_key: the key belongs to another request`);
  expect(other.text).toContain(String(first.report.run_id));
  expect(created).toHaveLength(1);
});

test.each(PROFILES)("%s: identical creates in flight become one run", async (profile) => {
  const { backend, created } = await countingBackend(profile);
  const [one, two] = await Promise.all([
    connect(async () => backend),
    connect(async () => backend),
  ]);
  const calls = [one, two, one, two].map((client) =>
    client.call("create_task_run", { input: "Why?" }),
  );
  const ids = (await Promise.all(calls)).map(({ report }) => report.run_id);
  expect(new Set(ids).size).toBe(1);
  expect(created).toHaveLength(1);
  // Later the same question is another run: somebody may want it asked again.
  const later = await one.call("create_task_run", { input: "Why?" });
  expect(later.report.run_id).not.toBe(ids[0]);
});

test("a lost answer leaves an honest unknown where keys are not honoured, and it is not sent again", async () => {
  const lost = { isLost: true };
  const { backend, created } = await countingBackend("hosted", async (engine, request) => {
    const response = await engine.fetch(request);
    if (request.method === "POST" && lost.isLost) return new Response("gone", { status: 502 });
    return response;
  });
  const client = await connect(async () => backend);
  const args = { input: "Why is it lost?", idempotency_key: "lost" };
  const first = await client.call("create_task_run", args);
  expect(first.isError).toBe(true);
  expect(first.text).toContain("It is not known whether the run was started.");
  lost.isLost = false;

  const again = await client.call("create_task_run", args);
  expect(again.isError).toBe(true);
  expect(again.text).toContain("It was not sent again.");
  expect(created).toHaveLength(1);
  const { report, text } = await client.call("list_task_runs", { status: "unknown" });
  expect(report.runs).toEqual([expect.objectContaining({ question: "Why is it lost?" })]);
  expect(text).toContain("Note: 1 shown as unknown: the request was sent and its answer never");
});

test("a lost answer is asked for again where keys are honoured, and one run comes of it", async () => {
  let losses = 1;
  const { backend, created, engine } = await countingBackend("extended", async (to, request) => {
    const response = await to.fetch(request);
    if (request.method === "POST" && losses > 0) {
      losses -= 1;
      return new Response("gone", { status: 502 });
    }
    return response;
  });
  const client = await connect(async () => backend);
  const args = { input: "Why?", idempotency_key: "again" };
  // The client of this test repeats nothing by itself, so the agent does.
  const first = await client.call("create_task_run", args);
  expect(first.isError).toBe(true);
  expect(first.text).toContain("Call create_task_run again with the same arguments and the same");
  const second = await client.call("create_task_run", args);
  expect(second.isError).toBe(false);
  // The backend's list of runs has it, so it need not be sent again.
  expect(created).toHaveLength(1);
  const list = await engine.fetch(new Request("http://engine/v1/tasks/runs"));
  expect(await list.json()).toMatchObject({ runs: [{ run_id: second.report.run_id }] });
});

test("what is refused for certain leaves no trace: the key is free and nothing is counted", async () => {
  const { backend } = await countingBackend("extended");
  const client = await connect(async () => backend);
  const args = { input: "Why?", processor: "nonsense", idempotency_key: "refused" };
  const refused = await client.call("create_task_run", args);
  expect(refused.isError).toBe(true);
  expect(refused.text).toContain("Known ones: lite,");
  const { report } = await client.call("list_task_runs", {});
  expect(report.runs).toEqual([]);
  expect(report.spending).toBeUndefined();
  const other = await client.call("create_task_run", { ...args, processor: "lite" });
  expect(other.isError).toBe(false);
});

test("max_cost_usd refuses before anything is sent", async () => {
  const { backend, created } = await countingBackend();
  const client = await connect(async () => backend);
  const { isError, text } = await client.call("create_task_run", {
    input: "Why?",
    processor: "pro",
    max_cost_usd: 0.05,
  });
  expect(isError).toBe(true);
  expect(text).toContain("This would cost $0.1, more than max_cost_usd $0.05. No run was started.");
  const unknown = await client.call("create_task_run", {
    input: "Why?",
    processor: "custom-tier",
    max_cost_usd: 5,
  });
  expect(unknown.text).toContain("The price of processor custom-tier is not known here");
  const misspelt = { input: "Why?", processor: "bass", max_cost_usd: 5 };
  expect((await client.call("create_task_run", misspelt)).text).toContain(
    "Next: Did you mean base? Call create_task_run again",
  );
  expect(created).toEqual([]);
});

test("the operator's budget for a day refuses with the sum so far, also for dry runs of what is too dear", async () => {
  const { backend, created } = await countingBackend();
  const client = await connect(async () => backend, { budgetUsdPerDay: 0.22 });
  const ask = (input: string) => client.call("create_task_run", { input, processor: "pro" });
  expect((await ask("1")).isError).toBe(false);
  expect((await ask("2")).isError).toBe(false);
  const third = await ask("3");
  expect(third.isError).toBe(true);
  expect(third.text).toContain(
    "This would cost $0.1, and $0.2 of today's budget of $0.22 are spent.",
  );
  expect(created).toHaveLength(2);
  const { report, text } = await client.call("list_task_runs", {});
  expect(report.spending).toEqual({
    today_usd: 0.2,
    active_usd: expect.any(Number),
    total_usd: 0.2,
    budget_usd_per_day: 0.22,
  });
  expect(text).toContain("spending: $0.2 today of $0.22");
});

test("prices of the operator win, and say what a run costs", async () => {
  const { backend } = await countingBackend();
  const prices = createPriceList({ kind: "custom", overrides: { base: 0.5, own: 0.25 } });
  // Our engine would refuse the processor, in a dry run too.
  const other = await backendOf(() => Promise.resolve(new Response("{}", { status: 404 })));
  const elsewhere = await connect(async () => ({ ...other, prices }));
  const { report, text } = await elsewhere.call("create_task_run", {
    input: "Why?",
    processor: "own",
    dry_run: true,
  });
  expect(report.price_usd).toBe(0.25);
  expect(text).toContain("It costs $0.25 when it completes.");
  const client = await connect(async () => ({ ...backend, prices }));
  expect((await client.call("create_task_run", { input: "Why?" })).report.price_usd).toBe(0.5);
});

test("a dry run shows what would be sent, without the secrets in it", async () => {
  const { backend, created } = await countingBackend();
  const client = await connect(async () => backend);
  const { report, texts } = await client.call("create_task_run", {
    input: "Why?",
    output_fields: [{ name: "reason" }],
    mcp_servers: [
      { type: "url", url: "https://tools.example/mcp", name: "tools", headers: { a: "hidden" } },
    ],
    dry_run: true,
  });
  expect(created).toEqual([]);
  expect(report.request).toMatchObject({
    input: "Why?",
    processor: "base",
    enable_events: true,
    mcp_servers: [{ name: "tools", headers: "(not shown)" }],
    task_spec: { output_schema: { json_schema: { required: ["reason"] } } },
  });
  expect(report.usual_seconds).toEqual({ from: 15, to: 180 });
  expect(JSON.stringify(report) + texts.join("")).not.toContain("hidden");
});

test("a server whose memory ends with it says so when runs are started and listed", async () => {
  const engine = await startTestEngine(async () => textResult("x"));
  const backend = await backendOn(engine);
  const client = await connect(async () => ({
    ...backend,
    ledgerFallbackReason: "The disk is full.",
  }));
  const { report, text } = await client.call("create_task_run", { input: "Why?" });
  const note =
    "The record of started runs is kept in memory only and ends with this server: The disk is full. Keep the ids.";
  expect(report.notes).toEqual([note]);
  expect(text).toContain(`Note: ${note}`);
  expect((await client.call("list_task_runs", {})).report.notes).toContain(note);
  const seen = await client.call("get_task_run", { run_id: report.run_id });
  expect(seen.report).not.toHaveProperty("notes");
});
