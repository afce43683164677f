import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { expect, onTestFinished, test } from "vitest";
import { CERTIFICATE, CERTIFICATE_KEY } from "../client/certificate.ts";
import { startLoopbackServer } from "../client/loopback-server.ts";
import { portOf, startProxy } from "../client/proxy.ts";
import { startTestEngine, temporaryFolder, textResult } from "../engine/start-test-engine.ts";
import { connectStdio, runToEnd } from "../e2e/built-binary.ts";

const PASSWORD = "hunter2";

/** The engine behind TLS, under a name that only the proxy leads to, and what a terminal there has set. */
async function startCompany() {
  const engine = await startTestEngine(async () => textResult("Paris."));
  const serve = getRequestListener(engine.fetch, { overrideGlobalObjects: false });
  const server = createServer({ key: CERTIFICATE_KEY, cert: CERTIFICATE }, (request, response) => {
    void serve(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const proxy = await startProxy({ credentials: `ada:${PASSWORD}` });
  const stateDir = await temporaryFolder();
  const ca = join(stateDir, "ca.pem");
  await writeFile(ca, CERTIFICATE);
  const host = `engine.example:${portOf(server.address())}`;
  const env = {
    HOME: stateDir,
    HTTPS_PROXY: proxy.url.replace("//", `//ada:${PASSWORD}@`),
    NODE_EXTRA_CA_CERTS: ca,
    PARALLEL_BASE_URL: `https://${host}`,
  };
  return { proxy, host, stateDir, env };
}

test("a run reaches its backend through a tunnel, whose certificate only this machine knows", async () => {
  const { proxy, host, stateDir, env } = await startCompany();
  const { code, stdout, stderr } = await runToEnd({
    stateDir,
    env,
    args: ["run", "What is the capital of France?"],
  });
  expect(stdout).toContain("Paris.");
  expect(code).toBe(0);
  expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${host}`]));

  const { NODE_EXTRA_CA_CERTS: ca, ...withoutCertificate } = env;
  const doctor = await runToEnd({ stateDir, env, args: ["doctor"] });
  expect(doctor.stdout).toMatch(/✓ Proxy .*\(HTTPS_PROXY, with credentials\) for https:/);
  expect(doctor.stdout).toContain(`✓ Certificates    ${ca}`);
  expect(doctor.stdout).toMatch(/✓ Reach /);
  const lost = await runToEnd({ stateDir, env: withoutCertificate, args: ["doctor"] });
  expect(lost.stdout).toMatch(/✗ Reach .*not trusted \(\w+\)\n +→ .*NODE_EXTRA_CA_CERTS/);
  expect([stdout, stderr, doctor.stdout, doctor.stderr, lost.stdout].join()).not.toContain(
    PASSWORD,
  );
});

test("spans reach a collector through the proxy", async () => {
  const received: string[] = [];
  const collector = await startLoopbackServer((request, response) => {
    received.push(String(request.headers.host));
    request.resume().on("end", () => response.end("{}"));
  });
  const proxy = await startProxy({ credentials: `ada:${PASSWORD}` });
  const { port } = new URL(collector.url);
  const agent = await connectStdio("v1 client", {
    stateDir: await temporaryFolder(),
    env: {
      HTTP_PROXY: proxy.url.replace("//", `//ada:${PASSWORD}@`),
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://collector.example:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    },
  });
  await agent.call("list_task_runs", {});
  await agent.close();
  expect(proxy.asked[0]).toBe(`POST http://collector.example:${port}/v1/traces`);
  expect(collector.requests).toContain("POST /v1/traces");
});

test("`install` hands proxy and certificates on, and shows no password", async () => {
  const { stateDir, env } = await startCompany();
  const args = ["install", "cursor", "--yes"];
  const { code, stdout, stderr } = await runToEnd({ stateDir, env, args });
  expect(code).toBe(0);
  const written = JSON.parse(await readFile(join(stateDir, ".cursor", "mcp.json"), "utf8"));
  const { HTTPS_PROXY, NODE_EXTRA_CA_CERTS } = env;
  expect(written.mcpServers["task-run"].env).toEqual({ HTTPS_PROXY, NODE_EXTRA_CA_CERTS });
  expect(stdout + stderr).not.toContain(PASSWORD);
  const listed = await runToEnd({ stateDir, env, args: ["uninstall"] });
  expect(listed.stdout).toMatch(/^This server is in:\n {2}cursor +has "task-run"/);
  const gone = await runToEnd({ stateDir, env, args: ["uninstall", "cursor", "--yes"] });
  expect(gone.code).toBe(0);
  expect(gone.stdout).not.toContain(PASSWORD);
  expect(await readFile(join(stateDir, ".cursor", "mcp.json"), "utf8")).not.toContain("task-run");
});

test("a server at a URL is installed with a token that is not shown, and without settings", async () => {
  const stateDir = await temporaryFolder();
  const token = "token-of-sixteen-characters";
  const url = "http://127.0.0.1:3000/mcp";
  const env = { HOME: stateDir, TASK_RUN_MCP_HTTP_TOKEN: token };
  const args = ["install", "gemini-cli", "--yes", "--url", url];
  const { code, stdout, stderr } = await runToEnd({ stateDir, env, args });
  expect(code).toBe(0);
  expect(stdout + stderr).not.toContain(token);
  const written = JSON.parse(await readFile(join(stateDir, ".gemini", "settings.json"), "utf8"));
  expect(written.mcpServers["task-run"]).toEqual({
    httpUrl: url,
    headers: { Authorization: `Bearer ${token}` },
  });
  for (const more of [
    ["--documents", "x"],
    ["--url", "ftp://x"],
  ]) {
    const refused = await runToEnd({ stateDir, env, args: [...args, ...more] });
    expect(refused.code).toBe(2);
  }
});
