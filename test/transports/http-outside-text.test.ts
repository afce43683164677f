import { expect, test } from "vitest";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { clientKinds } from "../mcp/connect.ts";
import { TOKENS, connectHttp, startHttp } from "./start-http.ts";

test.each(clientKinds)("text leaves clean over HTTP: %s", async (kind) => {
  const { url } = await startHttp(await startTestEngine(async () => textResult("ok")));
  const client = await connectHttp(kind, url, TOKENS.alice);
  const { report, text } = await client.call("create_task_run", {
    input: { "q\u202e": "a\u001b[31mb\u200b", id: "x" },
    dry_run: true,
  });
  expect(report.request).toMatchObject({ input: { q: "ab", id: "x" } });
  expect(text).not.toMatch(/\\u001b|\u202e|\u200b/);
});

test("numbers of a message keep their digits over HTTP", async () => {
  const { url } = await startHttp(await startTestEngine(async () => textResult("ok")));
  const response = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${TOKENS.alice}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: String.raw`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"create_task_run","arguments":{"input":{"id":653247040368672768,"half":"\ud83d"},"dry_run":true}}}`,
  });
  const text = await response.text();
  expect(text).toContain('"id":"653247040368672768"');
  expect(text).toContain("\ufffd");
  expect(text).not.toMatch(/\\ud83d/);
});
