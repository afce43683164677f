import { type CryptoKey, SignJWT, exportJWK, generateKeyPair } from "jose";
import { describe, expect, test } from "vitest";
import { createOAuth } from "../../src/transports/http/oauth.ts";
import { startLoopbackServer } from "../client/loopback-server.ts";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { TOKENS, post, startHttp, toolCall, tokensOf } from "./start-http.ts";

const AUDIENCE = "https://mcp.example.com/mcp";
const METADATA_URL = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";
const LIST = toolCall("list_task_runs", {});
const CREATE = toolCall("create_task_run", { input: "q" });

/** An authorization server with one key, as far as a resource server sees it. */
async function startIssuer(path = "/.well-known/oauth-authorization-server") {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "1", alg: "ES256" };
  const state = { isUp: true, issuer: "" };
  const server = await startLoopbackServer((request, response) => {
    const json = (body: unknown) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (!state.isUp) response.writeHead(503).end();
    else if (request.url === path) {
      json({ issuer: state.issuer, jwks_uri: `${server.url}/jwks` });
    } else if (request.url === "/jwks") json({ keys: [jwk] });
    else response.writeHead(404).end();
  });
  state.issuer = server.url;
  return {
    issuer: server.url,
    state,
    requests: server.requests,
    sign: (claims: Record<string, unknown> = {}, key: CryptoKey = privateKey) =>
      new SignJWT({
        iss: server.url,
        aud: AUDIENCE,
        sub: "user-1",
        scope: "runs:read runs:write",
        exp: Math.floor(Date.now() / 1_000) + 300,
        ...claims,
      })
        .setProtectedHeader({ alg: "ES256", kid: "1" })
        .sign(key),
  };
}

async function startWith(issuer: string, now: () => number = Date.now) {
  const limits = { requestsPerMinute: 1_000, budgetUsdPerDay: undefined };
  return startHttp(await startTestEngine(async () => textResult("ok")), {
    access: {
      authenticators: [tokensOf(), createOAuth({ issuer, audience: AUDIENCE, limits, now, fetch })],
      oauth: { resource: AUDIENCE, issuer },
    },
  });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test("a JWT that the issuer signed for this server lets in; its keys are read once", async () => {
  const { issuer, sign, requests } = await startIssuer();
  const { url } = await startWith(issuer);
  const answer = await post(url, CREATE, bearer(await sign()));
  expect(await answer.text()).toContain("trun_");
  expect((await post(url, LIST, bearer(await sign({ sub: "user-2" })))).status).toBe(200);
  expect(requests.filter((one) => one.endsWith("/jwks"))).toHaveLength(1);
  // Static tokens go on working beside it.
  expect((await post(url, LIST, bearer(TOKENS.alice))).status).toBe(200);
});

test.each(["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"])(
  "the keys are found by %s",
  async (path) => {
    const { issuer, sign } = await startIssuer(path);
    const { url } = await startWith(issuer);
    expect((await post(url, LIST, bearer(await sign()))).status).toBe(200);
  },
);

test("metadata that names another issuer is not believed", async () => {
  const { issuer, sign, state } = await startIssuer();
  state.issuer = "https://evil.example";
  const { url } = await startWith(issuer);
  expect((await post(url, LIST, bearer(await sign()))).status).toBe(503);
});

describe("a token is refused with 401 and a challenge", () => {
  const seconds = () => Math.floor(Date.now() / 1_000);

  test.each<[string, Record<string, unknown>, string]>([
    ["for another audience", { aud: "https://other.example/mcp" }, "aud"],
    ["for no audience", { aud: [] }, "aud"],
    ["of another issuer", { iss: "https://evil.example" }, "iss"],
    ["that has expired", { exp: seconds() - 60 }, "expired"],
    ["that is not valid yet", { nbf: seconds() + 600 }, "nbf"],
    ["that names no principal", { sub: "" }, "names no principal"],
  ])("%s", async (_name, claims, said) => {
    const { issuer, sign } = await startIssuer();
    const { url } = await startWith(issuer);
    const answer = await post(url, LIST, bearer(await sign(claims)));
    expect(answer.status).toBe(401);
    const challenge = answer.headers.get("www-authenticate");
    expect(challenge).toContain('error="invalid_token"');
    expect(challenge).toContain(said);
    expect(challenge).toContain(`resource_metadata="${METADATA_URL}"`);
  });

  test("that never expires", async () => {
    const { issuer, sign } = await startIssuer();
    const { url } = await startWith(issuer);
    expect((await post(url, LIST, bearer(await sign({ exp: undefined })))).status).toBe(401);
  });

  test("that another key signed", async () => {
    const { issuer, sign } = await startIssuer();
    const { privateKey } = await generateKeyPair("ES256");
    const { url } = await startWith(issuer);
    expect((await post(url, LIST, bearer(await sign({}, privateKey)))).status).toBe(401);
  });

  test("that nobody signed, or a shared secret did", async () => {
    const { issuer, sign } = await startIssuer();
    const { url } = await startWith(issuer);
    const [, payload = "", signature = ""] = (await sign()).split(".");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    const hmac = await new SignJWT({ iss: issuer, aud: AUDIENCE, sub: "u" })
      .setProtectedHeader({ alg: "HS256", kid: "1" })
      .setExpirationTime("5m")
      .sign(new TextEncoder().encode("a shared secret of some length"));
    for (const token of [`${none}.${payload}.`, `${none}.${payload}.${signature}`, hmac, "x.y.z"]) {
      expect((await post(url, LIST, bearer(token))).status).toBe(401);
    }
  });

  test("as soon as it expires, although it was good before", async () => {
    const { issuer, sign } = await startIssuer();
    let now = Date.now();
    const { url } = await startWith(issuer, () => now);
    const token = await sign({ exp: Math.floor(now / 1_000) + 10 });
    expect((await post(url, LIST, bearer(token))).status).toBe(200);
    now += 60_000;
    expect((await post(url, LIST, bearer(token))).status).toBe(401);
  });
});

test("scopes decide what a token may do", async () => {
  const { issuer, sign } = await startIssuer();
  const { url } = await startWith(issuer);
  const reader = bearer(await sign({ scope: "runs:read other" }));
  expect((await post(url, LIST, reader)).status).toBe(200);
  const refused = await post(url, CREATE, reader);
  expect(refused.status).toBe(403);
  const challenge = refused.headers.get("www-authenticate");
  expect(challenge).toContain('error="insufficient_scope"');
  expect(challenge).toContain('scope="runs:read runs:write"');
  expect(challenge).toContain(`resource_metadata="${METADATA_URL}"`);
  const none = bearer(await sign({ scope: "other" }));
  expect((await post(url, LIST, none)).status).toBe(403);
  const other = bearer(await sign({ scope: undefined, scp: ["runs:read", "runs:write"] }));
  expect((await post(url, CREATE, other)).status).toBe(200);
});

test("an issuer that does not answer is no reason to throw a token away, nor to let it in", async () => {
  const { issuer, sign, state } = await startIssuer();
  state.isUp = false;
  const { url } = await startWith(issuer);
  const token = await sign();
  const answer = await post(url, LIST, bearer(token));
  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toBe("5");
  state.isUp = true;
  expect((await post(url, LIST, bearer(token))).status).toBe(200);
});

test.each(["", "/mcp"])("the resource's metadata is at the well-known path%s", async (path) => {
  const { issuer } = await startIssuer();
  const { url } = await startWith(issuer);
  const place = new URL(`/.well-known/oauth-protected-resource${path}`, url);
  const answer = await fetch(place);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({
    resource: AUDIENCE,
    authorization_servers: [issuer],
    scopes_supported: ["runs:read", "runs:write"],
    bearer_methods_supported: ["header"],
  });
  expect((await fetch(place, { method: "POST" })).status).toBe(405);
});

test("without OAuth there is no such metadata", async () => {
  const { url } = await startHttp(await startTestEngine(async () => textResult("ok")));
  const place = new URL("/.well-known/oauth-protected-resource/mcp", url);
  expect((await fetch(place)).status).toBe(404);
});
