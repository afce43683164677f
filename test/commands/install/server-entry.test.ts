import { expect, test } from "vitest";
import { CLIENTS } from "../../../src/commands/install/clients.ts";
import {
  accountEnv,
  createServerEntry,
  settingsEnv,
} from "../../../src/commands/install/server-entry.ts";
import { linux, windows } from "./machines.ts";

const INSTALLED = [
  "/home/ada/.npm/_npx/4a5b/node_modules/task-run-mcp/dist/cli.js",
  "/usr/local/lib/node_modules/task-run-mcp/dist/cli.js",
  "C:\\Users\\ada\\AppData\\Roaming\\npm\\node_modules\\task-run-mcp\\dist\\cli.js",
];

test.each(INSTALLED)("an installed package (%s) is started by npx", (cliPath) => {
  const program = { nodePath: "/usr/bin/node", cliPath };
  expect(createServerEntry(CLIENTS.cursor, {}, program, linux)).toEqual({
    command: "npx",
    args: ["-y", "task-run-mcp"],
  });
  expect(createServerEntry(CLIENTS.cursor, {}, program, windows)).toEqual({
    command: "cmd",
    args: ["/c", "npx", "-y", "task-run-mcp"],
  });
});

test("a checkout is started by this Node, from where it is", () => {
  const program = { nodePath: "/usr/bin/node", cliPath: "/home/ada/task-run-mcp/dist/cli.js" };
  expect(createServerEntry(CLIENTS.vscode, { A: "1" }, program, linux)).toEqual({
    type: "stdio",
    command: "/usr/bin/node",
    args: ["/home/ada/task-run-mcp/dist/cli.js"],
    env: { A: "1" },
  });
});

test("settings become variables, and paths absolute", () => {
  const env = settingsEnv(
    { documents: "notes", stateDir: "s", budgetUsd: "5", readOnly: true, toolsets: "runs" },
    (path) => `/abs/${path}`,
  );
  expect(env).toEqual({
    TASK_RUN_MCP_DOCUMENTS: "/abs/notes",
    TASK_RUN_MCP_STATE_DIR: "/abs/s",
    TASK_RUN_MCP_BUDGET_USD: "5",
    TASK_RUN_MCP_READ_ONLY: "true",
    TASK_RUN_MCP_TOOLSETS: "runs",
  });
});

test("a key is never written without the address it is for", () => {
  const account = { apiKey: "k", betas: [], inputsPerMinute: undefined };
  const hosted = { kind: "hosted", baseUrl: "https://api.parallel.ai", ...account } as const;
  const custom = { kind: "custom", baseUrl: "https://own.example", ...account } as const;
  expect(accountEnv(hosted)).toEqual({ PARALLEL_API_KEY: "k" });
  expect(accountEnv(custom)).toEqual({
    PARALLEL_API_KEY: "k",
    PARALLEL_BASE_URL: "https://own.example",
  });
  expect(accountEnv({ ...custom, apiKey: undefined })).toEqual({});
});
