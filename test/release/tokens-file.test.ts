import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hashKey } from "../../src/http-server/hashed-keys.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { post, toolCall } from "../transports/start-http.ts";
import { firstLine, launch } from "../e2e/built-binary.ts";

const OLD = "old-token-0123456789abcdef";
const NEW = "new-token-0123456789abcdef";
const ENVIRONMENT = "environment-0123456789abcdef";

const fileOf = (token: string, scopes = "[runs:read, runs:write]") => `tokens:
  - principal: alice
    token_hashes: ["${hashKey(token)}"]
    scopes: ${scopes}
`;

/** A server with a tokens file, and what it has logged so far. */
async function start() {
  const folder = await temporaryFolder();
  const file = join(folder, "tokens.yaml");
  await writeFile(file, fileOf(OLD));
  const child = launch({
    args: ["http", "--port", "0", "--tokens", file],
    stateDir: await temporaryFolder(),
    env: { TASK_RUN_MCP_HTTP_TOKEN: ENVIRONMENT },
  });
  let log = "";
  child.stderr?.on("data", (chunk) => (log += String(chunk)));
  const url = await firstLine(child);
  const ask = async (token: string, tool = "list_task_runs") => {
    const call = toolCall(tool, { input: "q", dry_run: true });
    const answer = await post(url, call, { authorization: `Bearer ${token}` });
    await answer.text();
    return answer.status;
  };
  expect([await ask(OLD), await ask(NEW), await ask(ENVIRONMENT)]).toEqual([200, 401, 200]);
  return { file, folder, child, ask, log: () => log };
}

test("SIGHUP: the tokens file is read again, and a token that is gone opens nothing", async () => {
  const { file, child, ask } = await start();
  await writeFile(file, fileOf(NEW, "[runs:read]"));
  child.kill("SIGHUP");
  await expect.poll(() => ask(NEW)).toBe(200);
  expect([await ask(OLD), await ask(ENVIRONMENT)]).toEqual([401, 200]);
  expect(await ask(NEW, "create_task_run")).toBe(403);
});

test("a tokens file that has changed is read again by itself; one that cannot be used changes nothing", async () => {
  const { file, folder, ask, log } = await start();

  await writeFile(file, "tokens: [{ principal: alice, token: secret }]");
  await expect.poll(log).toContain("the tokens stay as they were");
  expect([await ask(OLD), await ask(NEW)]).toEqual([200, 401]);

  // The way editors and Kubernetes do it: another file takes its place.
  await writeFile(join(folder, "next.yaml"), fileOf(NEW));
  await rename(join(folder, "next.yaml"), file);
  await expect.poll(() => ask(NEW)).toBe(200);
  expect(await ask(OLD)).toBe(401);

  await rm(file);
  await expect.poll(() => log().split("the tokens stay as they were").length).toBe(3);
  expect([await ask(NEW), await ask(ENVIRONMENT)]).toEqual([200, 200]);
});
