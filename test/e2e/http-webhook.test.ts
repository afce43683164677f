import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { serveTaskApi } from "../../src/engine/http-api/serve.ts";
import { deferred, startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { startHttpBinary } from "./http-binary.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/** What stands between the internet and our server: it forwards what comes, and remembers it. */
async function startProxy() {
  const target = deferred<string>();
  const passed: { path: string; body: string; status: number }[] = [];
  const arrived = deferred();
  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await text(incoming);
    const path = incoming.url ?? "";
    const answer = await fetch(new URL(path, await target.promise), {
      method: "POST",
      headers: Object.entries(incoming.headers).flatMap(([name, value]) =>
        /^(webhook-|content-type)/.test(name) ? [[name, String(value)]] : [],
      ),
      body,
    });
    passed.push({ path, body, status: answer.status });
    outgoing.writeHead(answer.status).end();
    arrived.resolve();
  }
  const server = createServer((incoming, outgoing) => void pass(incoming, outgoing));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return { url: `http://127.0.0.1:${port}`, target, passed, arrived };
}

test("with --public-url the backend's report of a finished run is received, and a forged one is not", async () => {
  const finish = deferred();
  const engine = await startTestEngine(
    async () => {
      await finish.promise;
      return textResult("the answer");
    },
    { webhookSecrets: [SECRET], allowNetworks: ["127.0.0.0/8"] },
  );
  const backend = await serveTaskApi((request) => engine.fetch(request), {
    host: "127.0.0.1",
    port: 0,
  });
  onTestFinished(() => backend.close());
  const proxy = await startProxy();
  const { url } = await startHttpBinary(["--public-url", proxy.url], {
    PARALLEL_BASE_URL: backend.url,
    TASK_RUN_MCP_WEBHOOK_SECRETS: SECRET,
  });
  proxy.target.resolve(url);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  onTestFinished(() => client.close());

  const { structuredContent } = await client.callTool({
    name: "create_task_run",
    arguments: { input: "Why?" },
  });
  const { run_id } = z.looseObject({ run_id: z.string() }).parse(structuredContent);
  finish.resolve();
  await proxy.arrived.promise;
  const [report] = proxy.passed;
  expect(report).toMatchObject({ path: "/webhooks/task-run", status: 204 });
  expect(report?.body).toContain(run_id);

  const forged = await fetch(new URL("/webhooks/task-run", url), {
    method: "POST",
    headers: {
      "webhook-id": "forged",
      "webhook-timestamp": String(Math.floor(Date.now() / 1_000)),
      "webhook-signature": "v1,AAAA",
    },
    body: report?.body ?? "",
  });
  expect(forged.status).toBe(401);
});
