import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { createRunUpdatePublisher } from "../../src/mcp/protocol/subscriptions.ts";
import {
  silentLog,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { type ClientKind, type Progress, clientKinds } from "../mcp/connect.ts";
import {
  HEADERS,
  TOKENS,
  connectHttp,
  modernCall,
  post,
  startHttp,
  toolCall,
} from "./start-http.ts";

const execute = async () => textResult("ok");
const forever = ({ signal }: { signal: AbortSignal }) => untilAborted(signal);
const WAIT = { input: "q", wait_seconds: 45 };

async function openCalls(url: string): Promise<number> {
  const text = await (await fetch(new URL("/metrics", url))).text();
  return Number(/^task_run_mcp_open_calls (\d+)$/m.exec(text)?.[1]);
}

async function openSocket(port: number) {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

describe("a call that waits in silence", () => {
  test.each(["2025-11-25", "2026-07-28"])(
    "sends something before the run says anything (%s)",
    async (era) => {
      const { url } = await startHttp(await startTestEngine(forever), {
        limits: { keepAliveMs: 20, streamAfterMs: 20 },
      });
      const modern = modernCall("create_task_run", WAIT);
      const answer =
        era === "2026-07-28"
          ? await post(url, modern.body, modern.headers)
          : await post(url, toolCall("create_task_run", WAIT));
      expect(answer.headers.get("content-type")).toBe("text/event-stream");
      const reader = (answer.body ?? new ReadableStream()).getReader();
      const { value } = await reader.read();
      expect(Buffer.from(value).toString()).toMatch(/^: ?keepalive\n\n/);
      await reader.cancel();
      await expect.poll(() => openCalls(url)).toBe(0);
    },
  );
});

test.each(clientKinds)("%s: leaving ends the wait, and the run goes on", async (kind) => {
  const { url } = await startHttp(await startTestEngine(forever));
  const client = await connectHttp(kind, url, TOKENS.alice);
  const { report } = await client.call("create_task_run", { input: "q" });
  const { run_id } = report;
  const leave = new AbortController();
  const waiting = client.call("get_task_run", { run_id }, { signal: leave.signal });
  await expect.poll(() => openCalls(url)).toBe(1);
  leave.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  // Before 2026-07-28 the SDK tells of a cancel in a message of its own, and keeps the stream open.
  if (kind === "v2 client, 2026-07-28") await expect.poll(() => openCalls(url)).toBe(0);
  const seen = await client.call("get_task_run", { run_id, wait_seconds: 0 });
  expect(seen.report).toMatchObject({ run_id, is_active: true });
});

describe("when the server is told to end", () => {
  async function drain(kind: ClientKind) {
    const { url, draining, stopListening, close } = await startHttp(await startTestEngine(forever));
    const client = await connectHttp(kind, url, TOKENS.alice);
    const { report } = await client.call("create_task_run", { input: "q" });
    const seen: Progress[] = [];
    const waiting = client.call(
      "get_task_run",
      { run_id: report.run_id, wait_seconds: 45 },
      { onprogress: (progress) => seen.push(progress) },
    );
    await expect.poll(() => seen.length).toBeGreaterThan(0);
    return { url, waiting, run_id: report.run_id, draining, stopListening, close };
  }

  test.each(clientKinds)(
    "%s: who waits is told to call again, as at any other time",
    async (kind) => {
      const { url, waiting, run_id, draining, stopListening, close } = await drain(kind);
      stopListening();
      draining.abort();
      const closed = close(10_000);
      const { report, isError } = await waiting;
      expect(isError).toBe(false);
      expect(report).toMatchObject({ run_id, is_active: true });
      expect(report.next_step).toContain("get_task_run with this run_id");
      await closed;
      await expect(fetch(new URL("/healthz", url))).rejects.toThrow("fetch failed");
    },
  );

  test("it waits for nobody who waits for nothing", async () => {
    const backend = () => Promise.reject(new Error("No news here"));
    const publisher = createRunUpdatePublisher({ backend, clock: systemClock, log: silentLog });
    const options = { deps: { publisher } };
    const { url, port, close } = await startHttp(await startTestEngine(forever), options);
    // A connection that is kept, ones that said nothing or half of something, and a subscriber.
    await (await post(url, toolCall("list_task_runs", {}))).text();
    const request = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKENS.alice}\r\nContent-Type: application/json\r\n`;
    for (const sent of ["", "POST /mcp HT", `${request}Content-Length: 100\r\n\r\n{"half":`]) {
      const socket = await openSocket(port);
      socket.write(sent);
    }
    const modern = modernCall("x", {});
    const listen = {
      jsonrpc: "2.0",
      id: 1,
      method: "subscriptions/listen",
      params: {
        notifications: { resourceSubscriptions: ["task-run://x"] },
        _meta: modern.body.params._meta,
      },
    };
    const headers = { ...modern.headers, "mcp-method": "subscriptions/listen" };
    const subscribed = await post(url, listen, headers);
    expect(subscribed.headers.get("content-type")).toBe("text/event-stream");
    await expect.poll(() => openCalls(url)).toBe(2);
    // Waits for a whole day, if it waits for any of them.
    await close(86_400_000);
  });

  test("what does not end in time is cut", async () => {
    const { url, close } = await startHttp(await startTestEngine(forever));
    const answer = await post(url, toolCall("create_task_run", WAIT));
    const cut = expect(answer.text()).rejects.toThrow("terminated");
    await close(0);
    await cut;
  });
});

describe("what operators ask", () => {
  test("needs no token and no name of ours", async () => {
    const { url } = await startHttp(await startTestEngine(execute));
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      const answer = await fetch(new URL(path, url));
      expect(answer.status).toBe(200);
      expect(answer.headers.get("x-request-id")).not.toBeNull();
    }
    expect((await fetch(new URL("/healthz", url), { method: "POST" })).status).toBe(405);
    expect((await fetch(new URL("/nothing", url))).status).toBe(404);
  });

  test("counts requests by route and status, refusals, and how long calls were open", async () => {
    const { url } = await startHttp(await startTestEngine(execute));
    await (await post(url, toolCall("list_task_runs", {}))).text();
    await (
      await post(url, toolCall("list_task_runs", {}), { authorization: "Bearer wrong" })
    ).text();
    await (await fetch(url)).text();
    await (await fetch(new URL("/somewhere", url))).text();
    const metrics = async () => (await fetch(new URL("/metrics", url))).text();
    await expect.poll(metrics).toContain("task_run_mcp_call_seconds_count 1");
    const text = await metrics();
    expect(text).toContain('requests_total{route="/mcp",method="POST",status="200"} 1');
    expect(text).toContain('requests_total{route="/mcp",method="POST",status="401"} 1');
    expect(text).toContain('requests_total{route="/mcp",method="GET",status="405"} 1');
    expect(text).toContain('requests_total{route="other",method="GET",status="404"} 1');
    expect(text).toContain('task_run_mcp_auth_failures_total{kind="refused"} 1');
    expect(text).not.toContain("alice");
  });
});

test("without tokens everybody who reaches the port may do everything", async () => {
  const { url } = await startHttp(await startTestEngine(execute), {
    access: { authenticators: [] },
  });
  const answer = await fetch(url, {
    method: "POST",
    headers: HEADERS,
    body: JSON.stringify(toolCall("create_task_run", { input: "q", wait_seconds: 10 })),
  });
  expect(await answer.text()).toContain('"status":"completed"');
});

test("a webhook is handed on byte for byte, whatever name it was sent to", async () => {
  const received: string[] = [];
  const { url } = await startHttp(await startTestEngine(execute), {
    limits: { webhookBytes: 100 },
    webhook: {
      path: "/webhooks/task-run",
      receive(headers, body) {
        received.push(`${headers.get("webhook-id")} ${Buffer.from(body).toString()}`);
        return 204;
      },
    },
  });
  const place = new URL("/webhooks/task-run", url);
  const send = (body: string) =>
    fetch(place, { method: "POST", headers: { "webhook-id": "1" }, body });
  expect((await send('{"ü" : 1}')).status).toBe(204);
  expect(received).toEqual(['1 {"ü" : 1}']);
  expect((await send("x".repeat(101))).status).toBe(413);
  expect((await fetch(place)).status).toBe(405);
});
