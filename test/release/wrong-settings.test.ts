import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { createCatalog } from "../../src/mcp/catalog.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { clientKinds } from "../mcp/connect.ts";
import { connectStdio } from "../e2e/built-binary.ts";

/** Arguments that each tool accepts. */
const ARGUMENTS: Record<string, Record<string, unknown>> = {
  create_task_run: { input: "What was the GDP of France in 2023?" },
  get_task_run: { run_id: "trun_1" },
  cancel_task_run: { run_id: "trun_1" },
  create_task_group: { inputs: ["a", "b"] },
  get_task_group: { taskgroup_id: "tgrp_1" },
  cancel_task_group: { taskgroup_id: "tgrp_1" },
};

test.each(clientKinds)(
  "a server with wrong settings lists its tools, and each call names all of them: %s",
  async (kind) => {
    const stateDir = await temporaryFolder();
    const missing = join(stateDir, "missing");
    const env = {
      TASK_RUN_MCP_BUDGET_USD: "five",
      TASK_RUN_MCP_DEFAULT_PROCESSOR: "gpt-5",
      TASK_RUN_MCP_DOCUMENTS: missing,
      TASK_RUN_MCP_PRICES: join(stateDir, "prices.json"),
      TASK_RUN_MCP_LOG_LEVEL: "silent",
    };
    const client = await connectStdio(kind, { stateDir, env });
    const { tools: listed } = await client.listTools();
    expect(listed.map(({ name }) => name)).toEqual(createCatalog({}).tools.map(({ name }) => name));
    for (const { name } of listed) {
      const { isError, text } = await client.call(name, ARGUMENTS[name] ?? {});
      expect(isError).toBe(true);
      expect(text).toContain('The setting TASK_RUN_MCP_BUDGET_USD is wrong: it is "five"; write');
      expect(text).toContain("The setting TASK_RUN_MCP_DEFAULT_PROCESSOR is wrong");
      expect(text).toContain(missing);
      expect(text).toContain("The setting TASK_RUN_MCP_PRICES is wrong");
      expect(text).toContain("Nothing was sent");
    }
  },
);

test.each<[string, Record<string, string>]>([
  ["PARALLEL_BASE_URL", { PARALLEL_BASE_URL: "localhost:8080", PARALLEL_API_KEY: "some-key" }],
  ["PARALLEL_API_KEY", { PARALLEL_API_KEY: "some key" }],
  ["TASK_RUN_MCP_BETAS", { TASK_RUN_MCP_BETAS: "a b", PARALLEL_API_KEY: "some-key" }],
  ["TASK_RUN_MCP_RETENTION_DAYS", { TASK_RUN_MCP_RETENTION_DAYS: "never" }],
  ["TASK_RUN_MCP_WAIT_CAPS", { TASK_RUN_MCP_WAIT_CAPS: "long" }],
  ["TASK_RUN_MCP_READ_ONLY", { TASK_RUN_MCP_READ_ONLY: "perhaps" }],
  ["TASK_RUN_MCP_TOOLSETS", { TASK_RUN_MCP_TOOLSETS: "everything" }],
  ["TASK_RUN_MCP_LOG_LEVEL", { TASK_RUN_MCP_LOG_LEVEL: "loud" }],
  ["TASK_RUN_MCP_SCRIPT", { TASK_RUN_MCP_SCRIPT: "/nowhere/script.yaml" }],
  ["TASK_RUN_MCP_ALLOW_NETWORKS", { TASK_RUN_MCP_ALLOW_NETWORKS: "localhost" }],
  ["TASK_RUN_MCP_WEBHOOK_SECRETS", { TASK_RUN_MCP_WEBHOOK_SECRETS: "decoded:some-key" }],
])("a wrong %s is named in the answer, and no secret is", async (name, env) => {
  const client = await connectStdio("v1 client", { stateDir: await temporaryFolder(), env });
  const { isError, text } = await client.call("list_task_runs", {});
  expect(isError).toBe(true);
  expect(text).toContain(`The setting ${name} is wrong`);
  expect(text).not.toMatch(/some.key/);
});

test("settings of other commands, space, quotation marks and unfilled placeholders disturb nothing", async () => {
  const stateDir = await temporaryFolder();
  const env = {
    TASK_RUN_MCP_PORT: "http",
    TASK_RUN_MCP_OAUTH_ISSUER: "https://a.example",
    TASK_RUN_MCP_BUDGET_USD: '"$5"',
    TASK_RUN_MCP_DEFAULT_PROCESSOR: "Base ",
    TASK_RUN_MCP_PRICES: "${user_config.prices}",
    PARALLEL_API_KEY: "${user_config.api_key}",
    PARALLEL_BASE_URL: "''",
    TASK_RUN_MCP_DOCUMENTS: "",
  };
  const client = await connectStdio("v1 client", { stateDir, env });
  const { isError, report } = await client.call("create_task_run", {
    input: "GDP of France in 2023",
  });
  expect(isError).toBe(false);
  expect(report).toMatchObject({ processor: "base" });
});

test("a file that is there after all is used without a restart", async () => {
  const stateDir = await temporaryFolder();
  const prices = join(stateDir, "prices.json");
  const client = await connectStdio("v1 client", {
    stateDir,
    env: { TASK_RUN_MCP_PRICES: prices },
  });
  expect((await client.call("list_task_runs", {})).text).toContain("TASK_RUN_MCP_PRICES");
  await writeFile(prices, "{}");
  expect((await client.call("list_task_runs", {})).isError).toBe(false);
});
