import { expect, test } from "vitest";
import { createHostCheck } from "../../src/http-server/host-validation.ts";
import { ErrorBody } from "../../src/task-api/error-body.ts";
import { exchange, listen } from "./raw-http.ts";
import { startTestEngine, textResult } from "./start-test-engine.ts";

const startEngine = () => startTestEngine(async () => textResult("ok"));
const get = (host: string, target = "/v1/tasks/runs") =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

test.each([
  "rebound.example",
  "rebound.example:8080",
  "127.0.0.1.rebound.example",
  "localhost.rebound.example",
  "notlocalhost",
  "10.0.0.1",
  "0.0.0.0",
  "169.254.169.254",
  "[::2]",
  "[::ffff:a00:1]",
])("on loopback, a request for %s is refused with 421 in the API's own body", async (host) => {
  const { port } = await listen(await startEngine());
  const { status, body, headers } = await exchange(port, get(host));
  expect(status).toBe(421);
  const { error } = ErrorBody.parse(body);
  expect(error.message).toContain("localhost");
  expect(headers.get("x-request-id")).toBe(error.ref_id);
});

test.each([
  "localhost",
  "LocalHost:8080",
  "localhost.",
  "agent.localhost",
  "127.0.0.1",
  "127.8.9.1:1",
  "[::1]:8080",
  "[::ffff:7f00:1]",
])("on loopback, a request for %s is answered", async (host) => {
  const { port } = await listen(await startEngine());
  expect((await exchange(port, get(host))).status).toBe(200);
});

test("nothing is done for a page that was rebound: no run is created", async () => {
  const engine = await startEngine();
  const { port, url } = await listen(engine);
  const body = JSON.stringify({ input: "q", processor: "base" });
  const answer = await exchange(
    port,
    `POST /v1/tasks/runs HTTP/1.1\r\nHost: rebound.example:${port}\r\nOrigin: http://rebound.example:${port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  expect(answer.status).toBe(421);
  expect(await (await fetch(`${url}/v1/tasks/runs`)).json()).toMatchObject({ runs: [] });
});

test("the operator's endpoints are no exception", async () => {
  const { port } = await listen(await startEngine());
  for (const path of ["/healthz", "/metrics", "/openapi.json"]) {
    expect((await exchange(port, get("rebound.example", path))).status).toBe(421);
  }
});

test("on other addresses any name is answered: a key is needed there", async () => {
  const { port } = await listen(await startEngine(), { host: "0.0.0.0" });
  expect((await exchange(port, get("engine.example"))).status).toBe(200);
});

test("the name that was given to listen on is its own too", () => {
  const isOwnHost = createHostCheck(
    { address: "127.0.1.1", family: "IPv4", port: 8080 },
    "Workstation",
  );
  expect(isOwnHost("workstation:8080")).toBe(true);
  expect(isOwnHost("elsewhere:8080")).toBe(false);
});
