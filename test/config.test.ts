import { homedir } from "node:os";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig, readSettings } from "../src/config.ts";
import { BadSetting } from "../src/settings/setting-reader.ts";
import { temporaryFolder } from "./engine/start-test-engine.ts";
import { NO_PROXIES } from "../src/client/http/proxies.ts";

test("with nothing set, the built-in engine researches the packaged examples", () => {
  const { backend, logLevel } = readConfig({}, {});
  expect(backend).toMatchObject({ kind: "embedded" });
  expect(backend.kind === "embedded" && backend.engine.documents).toEqual([
    expect.stringMatching(/examples.documents$/),
  ]);
  expect(logLevel).toBe("info");
});

test("agents are told of the backend in use; prices of one's own are not those of the hosted API", () => {
  const told = (flags: Parameters<typeof readConfig>[0], env = {}) =>
    readConfig(flags, env).bridge.catalogBackend;
  const key = { PARALLEL_API_KEY: "k" };
  expect(told({})).toBe("embedded");
  expect(told({ script: "script.yaml" })).toBe("scripted");
  expect(told({}, key)).toBe("hosted");
  expect(told({ prices: "prices.json" }, key)).toBe("custom");
  expect(told({ baseUrl: "http://127.0.0.1:8080" })).toBe("custom");
  expect(told({ script: "script.yaml" }, key)).toBe("hosted");
});

test("a key chooses the hosted API, a base URL any other", () => {
  expect(readConfig({}, { PARALLEL_API_KEY: "k" }).backend).toEqual({
    kind: "hosted",
    baseUrl: "https://api.parallel.ai",
    apiKey: "k",
    betas: [],
    proxies: NO_PROXIES,
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
    proxies: NO_PROXIES,
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

test.each([
  "${PARALLEL_API_KEY}",
  "${env:PARALLEL_API_KEY}",
  "$PARALLEL_API_KEY",
  "%PARALLEL_API_KEY%",
])("a variable that a client passed on unfilled is no key: %s", (value) => {
  const { config, problems } = readSettings({}, { PARALLEL_API_KEY: value });
  expect(config.backend.kind).toBe("embedded");
  expect(problems).toHaveLength(1);
  expect(problems[0]?.message).toContain(
    `The setting PARALLEL_API_KEY is wrong: the client passed ${value} without replacing it`,
  );
});

test("empty values and placeholders of a dialog's empty fields count as unset", () => {
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
    'TASK_RUN_MCP_PORT is wrong: it is "http"; write a number from 0',
  ],
  [{ PARALLEL_BASE_URL: "ftp://a.example" }, "PARALLEL_BASE_URL is wrong: it is"],
  [{ PARALLEL_BASE_URL: "api.parallel.ai" }, "write an http or https URL"],
  [{ TASK_RUN_MCP_TOOLSETS: "runs,all" }, "write runs, groups"],
  [{ TASK_RUN_MCP_BUDGET_USD: "-1" }, "write a number of US dollars, such as 5"],
  [{ TASK_RUN_MCP_BUDGET_USD: "$" }, "write a number of US dollars"],
  [{ TASK_RUN_MCP_BUDGET_USD: "five" }, 'it is "five"'],
  [{ TASK_RUN_MCP_DEFAULT_PROCESSOR: "gpt-5" }, 'it is "gpt-5"; write one of lite, base, core'],
  [{ TASK_RUN_MCP_WAIT_CAPS: "cursor" }, "write names and seconds"],
  [{ TASK_RUN_MCP_LOG_LEVEL: "loud" }, "write one of trace, debug"],
  [{ TASK_RUN_MCP_READ_ONLY: "maybe" }, "write true or false"],
  [{ PARALLEL_API_KEY: "two words" }, "PARALLEL_API_KEY is wrong: its value is not shown here"],
])("a wrong setting is named with what was given and what would be right: %j", (env, message) => {
  expect(() => readConfig({}, env)).toThrow(BadSetting);
  expect(() => readConfig({}, env)).toThrow(message);
});

test("all wrong settings are told at once, by the titles of a dialog where there is one", () => {
  const { config, problems } = readSettings(
    { maxWaitSeconds: "soon" },
    { TASK_RUN_MCP_BUDGET_USD: "5 a day", TASK_RUN_MCP_READ_ONLY: "maybe" },
    { titles: { budgetUsd: "Daily budget" } },
  );
  expect(problems).toEqual([
    {
      setting: "readOnly",
      message: 'The setting TASK_RUN_MCP_READ_ONLY is wrong: it is "maybe"; write true or false.',
    },
    {
      setting: "budgetUsd",
      message:
        'The setting "Daily budget" is wrong: it is "5 a day"; write a number of US dollars, such as 5 or 0.50, or leave it empty.',
    },
    {
      setting: "maxWaitSeconds",
      message:
        'The setting --max-wait-seconds is wrong: it is "soon"; write a number of seconds, 1 to 3600.',
    },
  ]);
  expect(config.bridge.budgetUsdPerDay).toBeUndefined();
});

test("keys in wrong fields and addresses are not repeated", () => {
  const env = {
    TASK_RUN_MCP_BUDGET_USD: "sk-ab12cd34ef56gh78ij90",
    PARALLEL_BASE_URL: "https://user:password@a.example/?key=hunter2",
  };
  const text = readSettings({}, env)
    .problems.map(({ message }) => message)
    .join();
  expect(text).toContain("TASK_RUN_MCP_BUDGET_USD");
  expect(text).toContain("PARALLEL_BASE_URL");
  expect(text).not.toMatch(/cd34|password|hunter2/);
});

test("with a key and an address that cannot be used, nothing is sent to another address", () => {
  const env = { PARALLEL_API_KEY: "k", PARALLEL_BASE_URL: "nowhere" };
  expect(readSettings({}, env).config.backend.kind).toBe("embedded");
});

test.each([
  "5",
  " 5 ",
  "$5",
  "US$ 5",
  "5 USD",
  '"5"',
  "'5'",
  '" $5 "',
  "\u201c5\u201d",
  "\ufeff5\u00a0",
])("a budget of five dollars may be written %j", (budget) => {
  const { bridge } = readConfig({}, { TASK_RUN_MCP_BUDGET_USD: budget });
  expect(bridge.budgetUsdPerDay).toBe(5);
});

test("space, quotation marks and capitals around a word are no mistake, in flags and in the environment", () => {
  const env = {
    TASK_RUN_MCP_DEFAULT_PROCESSOR: '"Base "',
    TASK_RUN_MCP_TOOLSETS: '"runs","Groups"',
    PARALLEL_API_KEY: "'k' ",
    TASK_RUN_MCP_READ_ONLY: '""',
    TASK_RUN_MCP_STATE_DIR: "' '",
  };
  const { bridge, backend, logLevel } = readConfig({ logLevel: " WARN " }, env);
  expect(bridge).toMatchObject({
    defaultProcessor: "base",
    toolsets: ["runs", "groups"],
    isReadOnly: false,
  });
  expect(backend).toMatchObject({ kind: "hosted", apiKey: "k" });
  expect(logLevel).toBe("warn");
});

test("another Task API may have processors that are not known here", () => {
  const env = { PARALLEL_BASE_URL: "http://127.0.0.1:1", TASK_RUN_MCP_DEFAULT_PROCESSOR: "Huge" };
  expect(readConfig({}, env).bridge.defaultProcessor).toBe("huge");
});

test("several folders come as a list or as single arguments, and a comma may be part of a name", async () => {
  const folder = await temporaryFolder();
  const odd = join(folder, "Notes, old");
  await mkdir(odd);
  const documents = (value: string, folders?: string[]) =>
    readSettings({}, { TASK_RUN_MCP_DOCUMENTS: value }, folders ? { folders } : {}).config.engine
      .documents;
  expect(documents(odd)).toEqual([odd]);
  expect(documents(`${folder}, /b`)).toEqual([folder, "/b"]);
  expect(documents("/ignored", [odd, "/b"])).toEqual([odd, "/b"]);
  expect(documents("/used", ["${user_config.documents}", ""])).toEqual(["/used"]);
  expect(documents(" , ")).toEqual([expect.stringMatching(/examples.documents$/)]);
});

test("every secret of a configuration is listed for redaction", () => {
  const { secrets } = readConfig({ engineApiKey: "one" }, { PARALLEL_API_KEY: "two" });
  expect(secrets.toSorted()).toEqual(["one", "two"]);
});
