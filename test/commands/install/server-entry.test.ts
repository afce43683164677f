import { expect, test } from "vitest";
import { CLIENTS } from "../../../src/commands/setup/install/clients.ts";
import {
  accountEnv,
  createLocalServer,
  networkEnv,
  settingsEnv,
} from "../../../src/commands/setup/install/server-entry.ts";
import { linux, windows } from "./machines.ts";

const NAME = "task-run";

const INSTALLED = [
  "/home/ada/.npm/_npx/4a5b/node_modules/task-run-mcp/dist/cli.js",
  "/usr/local/lib/node_modules/task-run-mcp/dist/cli.js",
  "C:\\Users\\ada\\AppData\\Roaming\\npm\\node_modules\\task-run-mcp\\dist\\cli.js",
];

test.each(INSTALLED)("an installed package (%s) is started by npx", (cliPath) => {
  const program = { nodePath: "/usr/bin/node", cliPath };
  expect(CLIENTS.cursor.local(createLocalServer({}, program, linux), NAME)).toEqual({
    command: "npx",
    args: ["-y", "task-run-mcp"],
  });
  expect(CLIENTS.cursor.local(createLocalServer({}, program, windows), NAME)).toEqual({
    command: "cmd",
    args: ["/c", "npx", "-y", "task-run-mcp"],
  });
});

test("a checkout is started by this Node, from where it is", () => {
  const program = { nodePath: "/usr/bin/node", cliPath: "/home/ada/task-run-mcp/dist/cli.js" };
  expect(CLIENTS.vscode.local(createLocalServer({ A: "1" }, program, linux), NAME)).toEqual({
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

test("what decides how a server reaches the network is handed on, which clients do not do", () => {
  const env = {
    HTTPS_PROXY: "http://proxy.example:3128",
    no_proxy: ".example.com",
    HTTP_PROXY: " ",
    NODE_EXTRA_CA_CERTS: "company.pem",
    NODE_USE_SYSTEM_CA: "1",
    PATH: "/bin",
  };
  expect(networkEnv(env, (path) => `/abs/${path}`)).toEqual({
    HTTPS_PROXY: "http://proxy.example:3128",
    no_proxy: ".example.com",
    NODE_EXTRA_CA_CERTS: "/abs/company.pem",
    NODE_USE_SYSTEM_CA: "1",
  });
});

const REMOTE = {
  url: "https://mcp.example.com/mcp",
  headers: { Authorization: "Bearer t0ken" },
};
const { url, headers } = REMOTE;

test("each client gets a server at a URL in its own form", () => {
  const entries = Object.values(CLIENTS).map(({ id, remote }) => [
    id,
    typeof remote === "string" ? null : remote(REMOTE, NAME),
  ]);
  expect(Object.fromEntries(entries)).toEqual({
    "claude-desktop": null,
    "claude-code": { type: "http", url, headers },
    cursor: { url, headers },
    vscode: { type: "http", url, headers },
    "copilot-cli": { type: "http", url, headers },
    devin: { url, headers },
    windsurf: { serverUrl: url, headers },
    antigravity: { serverUrl: url, headers },
    "gemini-cli": { httpUrl: url, headers },
    codex: { url, http_headers: headers },
    opencode: { type: "remote", url, headers },
    cline: { type: "streamableHttp", url, headers },
    goose: { type: "streamable_http", name: NAME, uri: url, headers },
    kiro: { url, headers },
    junie: { url, headers },
    "lm-studio": { url, headers },
    warp: { url, headers },
    zed: { url, headers },
  });
});
