import { expect, test } from "vitest";
import { z } from "zod";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { TOKENS, post, startHttp } from "./start-http.ts";

const Answer = z.object({
  result: z.object({ cacheScope: z.string(), ttlMs: z.number() }),
});

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

async function ask(url: string, method: string, token: string) {
  const answer = await post(
    url,
    { jsonrpc: "2.0", id: 1, method, params: { _meta: META } },
    {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      authorization: `Bearer ${token}`,
    },
  );
  return Answer.parse(await answer.json()).result;
}

const execute = async () => textResult("ok");

test.each<[string, string, string]>([
  ["tools/list", "private", "public"],
  ["prompts/list", "private", "public"],
  ["server/discover", "private", "private"],
  ["resources/list", "private", "private"],
  ["resources/templates/list", "public", "public"],
])(
  "what a shared cache may keep of %s: %s where callers are told apart, %s where they are not",
  async (method, withTokens, without) => {
    const engine = await startTestEngine(execute);
    const guarded = await startHttp(engine);
    const open = await startHttp(engine, { access: { authenticators: [] } });
    expect((await ask(guarded.url, method, TOKENS.alice)).cacheScope).toBe(withTokens);
    expect((await ask(guarded.url, method, TOKENS.reader)).cacheScope).toBe(withTokens);
    expect((await ask(open.url, method, "none")).cacheScope).toBe(without);
  },
);
