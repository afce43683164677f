import { homedir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BadSetting, readConfig } from "../src/config.ts";

test("with nothing set, the built-in engine researches the packaged examples", () => {
  const { backend, logLevel } = readConfig({}, {});
  expect(backend).toMatchObject({ kind: "embedded" });
  expect(backend.kind === "embedded" && backend.engine.documents).toEqual([
    expect.stringMatching(/examples.documents$/),
  ]);
  expect(logLevel).toBe("info");
});

test("a key chooses the hosted API, a base URL any other", () => {
  expect(readConfig({}, { PARALLEL_API_KEY: "k" }).backend).toEqual({
    kind: "hosted",
    baseUrl: "https://api.parallel.ai",
    apiKey: "k",
    betas: [],
  });
  const baseUrl = "http://127.0.0.1:8080";
  expect(readConfig({}, { PARALLEL_BASE_URL: baseUrl }).backend).toMatchObject({
    kind: "custom",
    baseUrl,
  });
  expect(readConfig({}, { PARALLEL_BASE_URL: baseUrl, PARALLEL_API_KEY: "k" }).backend).toEqual({
    kind: "custom",
    baseUrl,
    apiKey: "k",
    betas: [],
  });
});

test("what agents get and may spend is read from flags or the environment", () => {
  expect(readConfig({}, {}).bridge).toMatchObject({
    toolsets: ["runs", "groups"],
    isReadOnly: false,
    waits: {},
  });
  const { bridge, backend } = readConfig(
    { toolsets: "groups", readOnly: true, budgetUsd: "2.5", waitCaps: "Cursor=240, codex=100" },
    {
      PARALLEL_API_KEY: "k",
      TASK_RUN_MCP_BETAS: "one-2026-01-01, two",
      TASK_RUN_MCP_INPUTS_PER_MINUTE: "300",
      TASK_RUN_MCP_DEFAULT_PROCESSOR: "lite",
      TASK_RUN_MCP_STATE_DIR: "/state",
    },
  );
  expect(bridge).toMatchObject({
    toolsets: ["groups"],
    isReadOnly: true,
    budgetUsdPerDay: 2.5,
    defaultProcessor: "lite",
    waits: { byClient: { cursor: 240, codex: 100 } },
    ledgerPath: join("/state", "ledger.sqlite"),
  });
  expect(backend).toMatchObject({ betas: ["one-2026-01-01", "two"], inputsPerMinute: 300 });
});

test("a cap on waits for everybody takes the place of what is known about single clients", () => {
  const waits = readConfig({ maxWaitSeconds: "30" }, {}).bridge.waits;
  expect(waits).toEqual({ maxSeconds: 30, byClient: {} });
});

test("empty values and placeholders that a host left in place count as unset", () => {
  const env = { PARALLEL_API_KEY: "${user_config.api_key}", PARALLEL_BASE_URL: "  " };
  expect(readConfig({}, env).backend.kind).toBe("embedded");
});

test("a flag wins over the environment, and ~ is the home folder", () => {
  const env = { TASK_RUN_MCP_DOCUMENTS: "/from/env", TASK_RUN_MCP_STATE_DIR: "~/state" };
  const { engine } = readConfig({ documents: "/from/flag, /another" }, env);
  expect(engine.documents).toEqual(["/from/flag", "/another"]);
  expect(engine.databasePath).toBe(join(homedir(), "state", "engine.sqlite"));
});

test.each([
  [
    { TASK_RUN_MCP_PORT: "http" },
    /TASK_RUN_MCP_PORT cannot be used; write a number from 0 to 65535/,
  ],
  [
    { PARALLEL_BASE_URL: "ftp://example.com" },
    /PARALLEL_BASE_URL cannot be used; write an http or https URL/,
  ],
  [
    { TASK_RUN_MCP_TOOLSETS: "runs,all" },
    /TASK_RUN_MCP_TOOLSETS cannot be used; write runs, groups/,
  ],
  [
    { TASK_RUN_MCP_BUDGET_USD: "-1" },
    /TASK_RUN_MCP_BUDGET_USD cannot be used; write a number of US/,
  ],
  [{ TASK_RUN_MCP_WAIT_CAPS: "cursor" }, /TASK_RUN_MCP_WAIT_CAPS cannot be used; write names and/],
  [{ TASK_RUN_MCP_LOG_LEVEL: "loud" }, /TASK_RUN_MCP_LOG_LEVEL cannot be used; write one of trace/],
])("a setting that cannot be used is named with what to write: %j", (env, message) => {
  expect(() => readConfig({}, env)).toThrow(BadSetting);
  expect(() => readConfig({}, env)).toThrow(message);
});

test("every secret of a configuration is listed for redaction", () => {
  const { secrets } = readConfig({ engineApiKey: "one" }, { PARALLEL_API_KEY: "two" });
  expect(secrets.toSorted()).toEqual(["one", "two"]);
});
