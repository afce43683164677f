import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hashKey } from "../../src/http-server/hashed-keys.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { clientKinds } from "../mcp/connect.ts";
import { connectHttp, post, toolCall } from "../transports/start-http.ts";
import { firstLine, launch, runToEnd } from "../e2e/built-binary.ts";

const TOKEN = "0123456789abcdef-of-a-test";
const LIST = toolCall("list_task_runs", {});

async function tokensFile(content: string): Promise<string> {
  const file = join(await temporaryFolder(), "tokens.yaml");
  await writeFile(file, content);
  return file;
}

describe("an unsafe start is refused, with what to add", () => {
  test.each<[string, string[], Record<string, string>, string]>([
    ["others without tokens", ["--host", "0.0.0.0"], {}, "add --tokens, TASK_RUN_MCP_HTTP_TOKEN"],
    [
      "others without names",
      ["--host", "0.0.0.0"],
      { TASK_RUN_MCP_HTTP_TOKEN: TOKEN },
      "add --allowed-hosts",
    ],
    ["a token to guess", [], { TASK_RUN_MCP_HTTP_TOKEN: "short" }, "16 or more"],
    ["any name", ["--allowed-hosts", "*"], {}, "names such as mcp.example.com"],
    ["half of OAuth", ["--oauth-issuer", "https://as.example.com"], {}, "--oauth-audience"],
    [
      "OAuth in the clear",
      [
        "--oauth-issuer",
        "http://as.example.com",
        "--oauth-audience",
        "https://mcp.example.com/mcp",
      ],
      {},
      "https URL",
    ],
    ["callers' keys without a backend for them", ["--allow-key-header"], {}, "PARALLEL_BASE_URL"],
    [
      "the backend's key as the token",
      [],
      { TASK_RUN_MCP_HTTP_TOKEN: TOKEN, PARALLEL_API_KEY: TOKEN },
      "Use another token",
    ],
  ])("%s", async (_name, args, env, said) => {
    const stateDir = await temporaryFolder();
    const { code, stdout, stderr } = await runToEnd({ args: ["http", ...args], stateDir, env });
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(said);
    expect(stderr).not.toContain(TOKEN);
  });

  test("a tokens file that says nothing, or too much", async () => {
    const file = await tokensFile(
      "tokens: [{ principal: 'a b', token_hashes: [], token: secret }]",
    );
    const stateDir = await temporaryFolder();
    const { code, stderr } = await runToEnd({ args: ["http", "--tokens", file], stateDir });
    expect(code).toBe(2);
    expect(stderr).toContain("use 1 to 64 letters");
    expect(stderr).toContain("a principal needs a token");
    expect(stderr).toContain('Unrecognized key: "token"');
  });
});

test.each(clientKinds)("%s: from a question to an answer, with a token of a file", async (kind) => {
  const file = await tokensFile(`tokens:
  - principal: alice
    token_hashes: ["${hashKey(TOKEN)}"]
`);
  const child = launch({
    args: ["http", "--port", "0", "--tokens", file],
    stateDir: await temporaryFolder(),
  });
  const url = await firstLine(child);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
  expect((await post(url, LIST, { authorization: "" })).status).toBe(401);
  const client = await connectHttp(kind, url, TOKEN);
  const { report } = await client.call("create_task_run", {
    input: "What was the GDP of France in 2023?",
    wait_seconds: 30,
  });
  expect(report).toMatchObject({ status: "completed" });
  expect(JSON.stringify(report)).toContain("$3.05 trillion");
});

test("SIGTERM: who waits is told to call again, and the process ends well", async () => {
  const script = join(await temporaryFolder(), "script.yaml");
  await writeFile(script, "runs: [{ takes: 600 }]");
  const child = launch({
    args: ["http", "--port", "0", "--script", script],
    stateDir: await temporaryFolder(),
    env: { TASK_RUN_MCP_HTTP_TOKEN: TOKEN },
  });
  const url = await firstLine(child);
  const waiting = await post(url, toolCall("create_task_run", { input: "q", wait_seconds: 50 }), {
    authorization: `Bearer ${TOKEN}`,
  });
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const answer = await waiting.text();
  expect(answer).toContain('"is_active":true');
  expect(answer).toContain("get_task_run");
  expect(answer).not.toContain('"isError":true');
  expect(await exited).toEqual([0, null]);
});
