import { describe, expect, test } from "vitest";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { TOKENS, modernCall, post, startHttp, toolCall } from "./start-http.ts";

const APP = "https://app.example.com";
const LIST = toolCall("list_task_runs", {});

async function start(allowedOrigins: string[]) {
  const engine = await startTestEngine(async () => textResult("ok"));
  return startHttp(engine, { access: { allowedOrigins } });
}

/** What a browser asks before a page may send what MCP needs. */
const preflight = (url: string, origin: string) =>
  fetch(url, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,mcp-protocol-version",
    },
  });

describe("a page of an origin that the operator allows", () => {
  test("may ask, send what MCP needs, and read what comes back", async () => {
    const { url } = await start(["https://other.example.com", APP]);
    const asked = await preflight(url, APP);
    expect(asked.status).toBe(204);
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      "access-control-allow-origin": APP,
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "authorization, *",
      vary: "origin",
    });
    const { body, headers } = modernCall("list_task_runs", {});
    const answers = [
      await post(url, LIST, { origin: APP }),
      await post(url, body, { ...headers, origin: APP }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get("access-control-allow-origin")).toBe(APP);
      expect(answer.headers.get("access-control-expose-headers")).toContain("x-request-id");
    }
  });

  test("needs a token like everybody, and can read the challenge", async () => {
    const { url } = await start([APP]);
    const answer = await post(url, LIST, { origin: APP, authorization: "" });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("access-control-allow-origin")).toBe(APP);
    expect(answer.headers.get("access-control-expose-headers")).toContain("www-authenticate");
    expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
  });

  test("reads an answer that became a stream", async () => {
    const { url } = await startHttp(await startTestEngine(async () => textResult("ok")), {
      access: { allowedOrigins: [APP] },
      limits: { streamAfterMs: 0 },
    });
    const args = { input: "q", wait_seconds: 10 };
    const answer = await post(url, toolCall("create_task_run", args), { origin: APP });
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    expect(answer.headers.get("access-control-allow-origin")).toBe(APP);
    await answer.text();
  });
});

test.each([
  ["https://app.example.com.evil.example", [APP]],
  ["http://app.example.com", [APP]],
  ["https://app.example.com:8443", [APP]],
  ["null", [APP]],
  [APP, []],
])("a page of %s is not let in by %j", async (origin, allowed) => {
  const { url } = await start(allowed);
  for (const answer of [await preflight(url, origin), await post(url, LIST, { origin })]) {
    expect(answer.status).toBe(403);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  }
});

test("a page of this machine is let in as ever, and asks in vain", async () => {
  const { url } = await start([APP]);
  const origin = "http://localhost:8080";
  const answer = await post(url, LIST, { origin, authorization: `Bearer ${TOKENS.alice}` });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  expect((await preflight(url, origin)).status).toBe(405);
});
