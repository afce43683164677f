import { expect, test } from "vitest";
import { clampWait, defaultWaitPolicy, waitLimitsOf } from "../../src/mcp/runs/wait-policy.ts";
import { createManualClock } from "../client/manual-clock.ts";
import { startTestEngine, untilAborted } from "../engine/start-test-engine.ts";
import { backendOn, clientKinds, connect } from "./connect.ts";

test.each([
  ["claude-code", 110],
  ["claude-ai", 45],
  ["Visual Studio Code", 240],
  ["cursor-vscode", 240],
  ["codex-mcp-client", 240],
  ["opencode", 50],
  ["something new", 50],
  [undefined, 50],
])("%s waits at most %i s", (name, seconds) => {
  expect(waitLimitsOf(defaultWaitPolicy, name).maxSeconds).toBe(seconds);
});

test("the longest name that fits decides", () => {
  const policy = { ...defaultWaitPolicy, byClient: { code: 10, "my-code": 20 } };
  expect(waitLimitsOf(policy, "My-Code 2").maxSeconds).toBe(20);
  expect(waitLimitsOf(policy, "code").maxSeconds).toBe(10);
});

test("a wait is what was asked, the default, or the cap", () => {
  const limits = waitLimitsOf(defaultWaitPolicy, "codex");
  expect(clampWait(30, limits)).toEqual({ seconds: 30, isCapped: false });
  expect(clampWait(undefined, limits)).toEqual({ seconds: 240, isCapped: false });
  expect(clampWait(900, limits)).toEqual({ seconds: 240, isCapped: true });
});

test.each(clientKinds)(
  "%s: the client's name decides its cap, and the report says so",
  async (kind) => {
    const clock = createManualClock();
    const engine = await startTestEngine(({ signal }) => untilAborted(signal));
    const backend = await backendOn(engine);
    const client = await connect(async () => backend, { kind, name: "Cursor-vscode", clock });
    const created = await client.call("create_task_run", { input: "Why?" });
    const call = client.call("get_task_run", {
      run_id: created.report.run_id,
      wait_seconds: 1_000,
    });
    await clock.until(() => clock.sleeps.includes(240_000));
    clock.advance(240_000);
    const { report } = await call;
    expect(report.summary).toContain("after 240 s of waiting, the longest one call waits here");
    expect(report.next_step).toContain("wait_seconds 240");
  },
);

test("an operator's cap for all takes the place of what is known about clients", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal));
  const backend = await backendOn(engine);
  const clock = createManualClock();
  const client = await connect(async () => backend, {
    name: "claude-code",
    clock,
    waits: { maxSeconds: 20, byClient: {} },
  });
  const call = client.call("create_task_run", { input: "Why?", wait_seconds: 600 });
  await clock.until(() => clock.sleeps.includes(20_000));
  clock.advance(20_000);
  expect((await call).report.summary).toContain(
    "after 20 s of waiting, the longest one call waits",
  );
});
