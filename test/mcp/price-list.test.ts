import { createServer } from "node:http";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { openBackend } from "../../src/commands/wiring/open-backend.ts";
import { createPriceList } from "../../src/mcp/runs/price-list.ts";
import {
  silentLog,
  startTestEngine,
  temporaryFolder,
  textResult,
} from "../engine/start-test-engine.ts";
import { listen } from "../engine/raw-http.ts";
import { createClient } from "../../src/client/create-task-api-client.ts";
import { connect } from "./connect.ts";

const free = { name: "base", price_usd: 0, usual_seconds: { from: 0, to: 50 } };

afterEach(() => vi.useRealTimers());

describe("the prices of a backend that is not ours to know", () => {
  test("are what it announces, asked for once", async () => {
    const ask = vi.fn(async () => [free, { name: "own", price_usd: 0.5, usual_seconds: null }]);
    const prices = createPriceList({ kind: "custom", ask });
    expect(ask).not.toHaveBeenCalled();
    await Promise.all([prices.settled(), prices.settled()]);
    await prices.settled();
    expect(ask).toHaveBeenCalledTimes(1);
    expect(prices.priceUsd("base")).toBe(0);
    expect(prices.usualSeconds("base")).toEqual({ from: 0, to: 50 });
    expect([prices.priceUsd("own"), prices.usualSeconds("own")]).toEqual([0.5, undefined]);
    expect(prices.priceUsd("core")).toBe(0.025);
    expect(prices.caveat).toBeNull();
  });

  test("are those of the operator before that", async () => {
    const ask = async () => [free];
    const prices = createPriceList({ kind: "custom", overrides: { base: 0.5 }, ask });
    await prices.settled();
    expect(prices.priceUsd("base")).toBe(0.5);
    expect(prices.usualSeconds("base")).toEqual({ from: 0, to: 50 });
  });

  test("are those of the known list when it announces nothing", async () => {
    const prices = createPriceList({ kind: "custom", ask: () => Promise.reject(new Error("404")) });
    await prices.settled();
    expect(prices.priceUsd("base")).toBe(0.01);
    expect(prices.caveat).toMatch(/^by Parallel's list/);
  });

  test("are waited for a second at most; an answer that comes later still counts", async () => {
    vi.useFakeTimers();
    let answer: (processors: (typeof free)[]) => void = () => {};
    const ask = () => new Promise<(typeof free)[]>((resolve) => (answer = resolve));
    const prices = createPriceList({ kind: "custom", ask });
    const settled = prices.settled();
    await vi.advanceTimersByTimeAsync(1_000);
    await settled;
    expect(prices.priceUsd("base")).toBe(0.01);
    answer([free]);
    await vi.advanceTimersByTimeAsync(0);
    expect(prices.priceUsd("base")).toBe(0);
    await prices.settled();
  });
});

/** The tools in front of a Task API at a URL, as the command opens it. */
async function connectTo(baseUrl: string, { budgetUsd }: { budgetUsd?: number } = {}) {
  const backend = await openBackend(
    { kind: "custom", baseUrl, apiKey: undefined, betas: [], inputsPerMinute: undefined },
    { ledgerPath: `${await temporaryFolder()}/ledger.sqlite`, pricesFile: undefined },
    { version: "0", log: silentLog },
  );
  onTestFinished(() => backend.close());
  return connect(async () => backend, { budgetUsdPerDay: budgetUsd });
}

test("runs of our own engine are free in front of it too, and count against no budget", async () => {
  const engine = await startTestEngine(async () => textResult("ok"));
  const { url } = await listen(engine);
  const client = await connectTo(url, { budgetUsd: 0 });
  const dry = await client.call("create_task_run", { input: "?", dry_run: true });
  expect(dry.report.summary).toContain("Free.");
  const run = await client.call("create_task_run", { input: "?", processor: "ultra8x" });
  expect(run.report.processor).toBe("ultra8x");
  expect(run.report).not.toHaveProperty("price_usd");
  expect(run.isError).toBeFalsy();
});

test("what the operator of the engine asks for is what its callers see and pay", async () => {
  const engine = await startTestEngine(async () => textResult("ok"), { prices: { base: 0.2 } });
  const { url } = await listen(engine);
  const client = await connectTo(url, { budgetUsd: 0.3 });
  const run = await client.call("create_task_run", { input: "1", processor: "base" });
  expect(run.report).toMatchObject({ price_usd: 0.2 });
  const second = await client.call("create_task_run", { input: "2", processor: "base" });
  expect(second.isError).toBe(true);
});

test("a backend that leaves the question open starts runs all the same", async () => {
  const run = {
    run_id: "trun_1",
    interaction_id: "i",
    status: "queued",
    is_active: true,
    processor: "base",
    created_at: null,
    modified_at: null,
  };
  const server = createServer((request, response) => {
    if (request.url?.endsWith("/processors")) return;
    response.writeHead(request.method === "POST" ? 202 : 200, {
      "content-type": "application/json",
    });
    response.end(JSON.stringify(run));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const client = await connectTo(`http://127.0.0.1:${port}`);
  const created = await client.call("create_task_run", { input: "?", processor: "base" });
  expect(created.report).toMatchObject({ run_id: "trun_1", price_usd: 0.01 });
});

test("our engine announces its prices and usual times, but not in the hosted profile", async () => {
  const executor = {
    key: "x",
    execute: async () => textResult("ok"),
    usualSeconds: () => ({ from: 1, to: 2 }),
  };
  const createExecutor = () => executor;
  const ask = async (options: Parameters<typeof startTestEngine>[1]) => {
    const engine = await startTestEngine(async () => textResult("ok"), {
      createExecutor,
      ...options,
    });
    const { url } = await listen(engine);
    return createClient({ baseUrl: url, fetch }).listProcessors();
  };
  const processors = await ask({ prices: { base: 0.2 } });
  expect(processors).toContainEqual({
    name: "base",
    price_usd: 0.2,
    usual_seconds: { from: 1, to: 2 },
  });
  expect((await ask({})).every((one) => one.price_usd === 0)).toBe(true);
  await expect(ask({ profile: "hosted" })).rejects.toMatchObject({ status: 404 });
});
