import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { clockAt, temporaryFolder } from "../engine/start-test-engine.ts";
import { openOutbox, startReceiver } from "../engine/webhooks-receiver.ts";
import { firstLine, launch, preload, runToEnd } from "../e2e/built-binary.ts";

const QUESTION = { input: "What was the GDP of France in 2023?", processor: "base" };
const DAY_MS = 24 * 60 * 60 * 1_000;

interface Answer {
  status: number;
  body: ReturnType<typeof JSON.parse>;
}

/** Starts `engine` with these arguments and answers with a way to call it. */
async function startEngine(
  args: string[],
  stateDir: string,
  env: Record<string, string> = {},
): Promise<(path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>> {
  const url = await firstLine(launch({ stateDir, env, args: ["engine", ...args] }));
  return async (path, body, headers = {}) => {
    const answer = await fetch(`${url}${path}`, {
      headers: { "content-type": "application/json", ...headers },
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };
}

/** What `hash-key` prints for a key on its stdin. */
async function hashOf(key: string, stateDir: string): Promise<string> {
  const child = launch({ stateDir, args: ["hash-key"] });
  child.stdin?.end(`${key}\n`);
  return firstLine(child);
}

test("--tenants: each key sees its own runs only, within its budget; --require-betas asks for the header", async () => {
  const stateDir = await temporaryFolder();
  const tenants = join(stateDir, "tenants.yaml");
  const [research, ci] = await Promise.all(["key-1", "key-2"].map((key) => hashOf(key, stateDir)));
  await writeFile(
    tenants,
    `tenants:\n- { id: research, key_hashes: ["${research}"], budget_usd: 0.01 }\n- { id: ci, key_hashes: ["${ci}"] }\n`,
  );
  const call = await startEngine(["--tenants", tenants, "--require-betas"], stateDir);
  const key = (value: string) => ({ "x-api-key": value });

  expect((await call("/v1/tasks/runs", QUESTION)).status).toBe(401);
  expect((await call("/v1/tasks/runs", QUESTION, key("key-3"))).status).toBe(401);
  const created = await call("/v1/tasks/runs", QUESTION, key("key-1"));
  expect(created.status).toBe(202);
  const path = `/v1/tasks/runs/${created.body.run_id}`;
  expect((await call(path, undefined, key("key-1"))).status).toBe(200);
  expect((await call(path, undefined, key("key-2"))).status).toBe(404);
  expect((await call("/v1/tasks/runs", QUESTION, key("key-1"))).status).toBe(402);

  const beta = { ...QUESTION, enable_events: true };
  const refused = await call("/v1/tasks/runs", beta, key("key-2"));
  expect(refused.status).toBe(422);
  expect(refused.body.error.message).toContain("events-sse-2025-07-24");
  const headers = { ...key("key-2"), "parallel-beta": "events-sse-2025-07-24" };
  expect((await call("/v1/tasks/runs", beta, headers)).status).toBe(202);
});

test("--script decides what runs do, and --allow-networks where their webhooks may go", async () => {
  const stateDir = await temporaryFolder();
  const script = join(stateDir, "script.yaml");
  await writeFile(script, "runs: [{ outcome: { status: failed, message: As the script says. } }]");
  const receiver = await startReceiver();
  const { port } = new URL(receiver.url);
  const allowed = ["--allow-networks", "127.0.0.0/31,fd00::/8"];
  const call = await startEngine(["--script", script, ...allowed], stateDir);
  const createWithWebhook = (url: string) =>
    call("/v1/tasks/runs", { ...QUESTION, webhook: { url, event_types: ["task_run.status"] } });

  const refused = await createWithWebhook(`http://127.0.0.2:${port}/hook`);
  expect(refused.status).toBe(422);
  expect(refused.body.error.message).toContain("127.0.0.2");

  const { body: run } = await createWithWebhook(receiver.url);
  await receiver.until(1);
  expect(JSON.parse(receiver.received[0]?.body ?? "")).toMatchObject({
    data: { run_id: run.run_id, status: "failed", error: { message: "As the script says." } },
  });
});

test("--profile hosted takes our extensions away", async () => {
  const call = await startEngine(["--profile", "hosted"], await temporaryFolder());
  const { body: run } = await call("/v1/tasks/runs", QUESTION);
  expect((await call(`/v1/tasks/runs/${run.run_id}/cancel`, {})).status).toBe(404);
  expect((await call("/v1/tasks/runs")).status).toBe(405);
  const { body: result } = await call(`/v1/tasks/runs/${run.run_id}/result?timeout=20`);
  expect(result.output.content).toContain("$3.05 trillion");
});

/** Retention starts half a minute after the engine: in this process the long timers take a hundredth of their time. */
const HASTE = preload(`
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (run, ms, ...rest) => setTimeout(run, ms < 10_000 ? ms : ms / 100, ...rest);
`);

test("--retention-days removes what ended before, and nothing younger", async () => {
  const stateDir = await temporaryFolder();
  const completeDaysAgo = async (days: number) => {
    const clock = clockAt(() => Date.now() - days * DAY_MS);
    const outbox = await openOutbox(join(stateDir, "engine.sqlite"), clock);
    return outbox.completeRun(undefined);
  };
  const [old, young] = [await completeDaysAgo(3), await completeDaysAgo(1)];
  const call = await startEngine(["--retention-days", "2"], stateDir, HASTE);
  const statusOf = async (runId: string) => (await call(`/v1/tasks/runs/${runId}`)).status;
  await expect.poll(() => statusOf(old)).toBe(404);
  expect(await statusOf(young)).toBe(200);
});

describe("what cannot be used ends `engine` with exit code 2 and what to write:", () => {
  const files: Record<string, string> = {
    "mistyped.yaml": "runs:\n  - { takes: soon }\n",
    "tenants.yaml": "tenants:\n  - { id: ci, key_hashes: [my-key] }\n",
  };

  test.each([
    [
      "a script with a mistake",
      ["--script", "mistyped.yaml"],
      /mistyped\.yaml:2:14 .*write seconds/,
    ],
    [
      "a script that is missing",
      ["--script", "nowhere.yaml"],
      /script cannot be read: .*nowhere\.yaml/,
    ],
    [
      "a tenants file with a key",
      ["--tenants", "tenants.yaml"],
      /write what `task-run-mcp hash-key` prints/,
    ],
    [
      "a tenants file that is missing",
      ["--tenants", "nowhere.yaml"],
      /nowhere\.yaml cannot be read/,
    ],
    [
      "a key and a tenants file",
      ["--api-key", "k", "--tenants", "tenants.yaml"],
      /use one of them/,
    ],
    ["a network with bits outside", ["--allow-networks", "10.1.2.3/8"], /10\.0\.0\.0\/8.*CIDR/],
    ["no days", ["--retention-days", "0"], /--retention-days.*write a number of days, 1 or more/],
    ["an unknown profile", ["--profile", "paid"], /--profile.*write extended or hosted/],
  ])("%s", async (_name, args, message) => {
    const stateDir = await temporaryFolder();
    for (const [name, text] of Object.entries(files)) await writeFile(join(stateDir, name), text);
    const { code, stdout, stderr } = await runToEnd({
      stateDir,
      args: ["engine", ...args.map((arg) => (arg.endsWith(".yaml") ? join(stateDir, arg) : arg))],
    });
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("    at ");
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});
