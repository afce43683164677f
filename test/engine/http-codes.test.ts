import { PassThrough } from "node:stream";
import { pino } from "pino";
import { beforeAll, describe, expect, test } from "vitest";
import { ErrorBody } from "../../src/task-api/error-body.ts";
import { singleTenant } from "../../src/engine/tenants/tenants.ts";
import { call } from "./call-engine.ts";
import { listen } from "./raw-http.ts";
import { startTestEngine, textResult, untilAborted } from "./start-test-engine.ts";

const question = { input: "What was the GDP of France in 2023?", processor: "base" };
const execute = async () => textResult("ok");

/** The engine of every test that needs no settings of its own. */
let sharedUrl: string;

beforeAll(async () => {
  ({ url: sharedUrl } = await listen(await startTestEngine(execute)));
});

describe("a method that a path does not have", () => {
  let guarded: string;

  beforeAll(async () => {
    const engine = await startTestEngine(execute, { tenants: singleTenant("secret") });
    ({ url: guarded } = await listen(engine));
  });

  test.each([
    ["DELETE", "/v1/tasks/runs", "GET, HEAD, OPTIONS, POST"],
    ["PUT", "/v1/tasks/runs/trun_1", "GET, HEAD, OPTIONS"],
    ["POST", "/v1/tasks/runs/trun_1/result", "GET, HEAD, OPTIONS"],
    ["POST", "/v1/tasks/runs/trun_1/input", "GET, HEAD, OPTIONS"],
    ["POST", "/v1/tasks/runs/trun_1/events", "GET, HEAD, OPTIONS"],
    ["POST", "/v1beta/tasks/runs/trun_1/events", "GET, HEAD, OPTIONS"],
    ["GET", "/v1/tasks/runs/trun_1/cancel", "OPTIONS, POST"],
    ["GET", "/v1/tasks/groups", "OPTIONS, POST"],
    ["PATCH", "/v1/tasks/groups/tgrp_1", "GET, HEAD, OPTIONS"],
    ["DELETE", "/v1/tasks/groups/tgrp_1/runs", "GET, HEAD, OPTIONS, POST"],
    ["POST", "/v1/tasks/groups/tgrp_1/events", "GET, HEAD, OPTIONS"],
    ["POST", "/v1/tasks/groups/tgrp_1/runs/trun_1", "GET, HEAD, OPTIONS"],
    ["GET", "/v1/tasks/groups/tgrp_1/cancel", "OPTIONS, POST"],
    ["POST", "/healthz", "GET, HEAD, OPTIONS"],
    ["POST", "/metrics", "GET, HEAD, OPTIONS"],
    ["POST", "/openapi.json", "GET, HEAD, OPTIONS"],
  ])(
    "%s %s is 405 and says which there are, with or without a key",
    async (method, path, allow) => {
      const answer = await fetch(guarded + path, { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.get("allow")).toBe(allow);
      expect(ErrorBody.parse(await answer.json()).error.message).toContain("Method Not Allowed");
      const options = await fetch(guarded + path, { method: "OPTIONS" });
      expect([options.status, options.headers.get("allow")]).toEqual([204, allow]);
    },
  );

  test("is one that nobody knows, too", async () => {
    expect((await fetch(`${sharedUrl}/v1/tasks/runs`, { method: "PROPFIND" })).status).toBe(405);
  });
});

test("HEAD tells what GET would, without a body, and never opens a stream", async () => {
  const engine = await startTestEngine(({ signal }) => untilAborted(signal));
  const { url } = await listen(engine);
  const { body: run } = await call(engine, "/v1/tasks/runs", question);
  const paths = ["", "/input", "/events", "/result?timeout=0"];
  const statuses = paths.map(async (path) => {
    const answer = await fetch(`${url}/v1/tasks/runs/${run.run_id}${path}`, { method: "HEAD" });
    expect(await answer.text()).toBe("");
    return answer.status;
  });
  expect(await Promise.all(statuses)).toEqual([200, 200, 200, 408]);
  expect((await fetch(`${url}/v1/tasks/runs/unknown`, { method: "HEAD" })).status).toBe(404);
  expect(await (await fetch(`${url}/metrics`)).text()).toContain("task_run_open_streams 0");
});

describe("a body that is not JSON by its own account", () => {
  test.each([
    ["text/plain;charset=UTF-8", 415],
    ["application/x-www-form-urlencoded", 415],
    ["multipart/form-data; boundary=x", 415],
    ["application/jsonp", 415],
    ["", 415],
    ["application/json", 202],
    ["Application/JSON; charset=utf-8", 202],
    ["application/vnd.api+json", 202],
  ])("(%j) is answered with %i", async (type, status) => {
    const answer = await fetch(`${sharedUrl}/v1/tasks/runs`, {
      method: "POST",
      headers: { "content-type": type },
      body: JSON.stringify(question),
    });
    expect(answer.status).toBe(status);
  });

  test("is taken for JSON when it says nothing", async () => {
    // Bytes have no type of their own, so none is sent.
    const body = new TextEncoder().encode(JSON.stringify(question));
    expect((await fetch(`${sharedUrl}/v1/tasks/runs`, { method: "POST", body })).status).toBe(202);
  });

  test("is refused when it is compressed", async () => {
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const answer = await fetch(`${sharedUrl}/v1/tasks/runs`, {
      method: "POST",
      headers,
      body: "x",
    });
    expect(answer.status).toBe(415);
  });
});

test.each([
  ["/v1/tasks/runs/%", 404],
  ["/v1/tasks/runs/%ZZ", 404],
  ["/v1/tasks/runs/%E0%A4%A", 404],
  ["/v1/tasks/runs/%00", 404],
  ["/v1/tasks/runs/%2e%2e", 404],
  ["/v1/tasks/runs/a%2Fb", 404],
  ["/v1/tasks/runs/%FF%FE/events", 404],
  ["/v1/tasks/groups/%C3%28/events", 404],
  ["/v1/tasks/runs/x/result?timeout=%ZZ", 422],
  ["/v1/tasks/runs/x/result?timeout=%FF", 422],
  ["/v1/tasks/runs?cursor=%E0%A4%A", 422],
  ["/%", 404],
  ["//v1/tasks/runs", 404],
])("a URL that is badly encoded (%s) is %i", async (path, status) => {
  const answer = await fetch(sharedUrl + path);
  expect(answer.status).toBe(status);
  ErrorBody.parse(await answer.json());
});

test.each([
  ["an object a hundred thousand levels deep", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`],
  ["a list a hundred thousand levels deep", "[".repeat(100_000) + "]".repeat(100_000)],
])("%s is refused with 422", async (_name, nested) => {
  const bodies = [
    `{"input": ${nested}, "processor": "base"}`,
    `{"input": {"x": ${nested}}, "processor": "base"}`,
    `{"input": "q", "processor": "base", "task_spec": {"output_schema": {"type": "json", "json_schema": {"type": "object", "properties": ${nested}}}}}`,
    nested,
  ];
  for (const body of bodies) {
    const answer = await fetch(`${sharedUrl}/v1/tasks/runs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(answer.status).toBe(422);
    ErrorBody.parse(await answer.json());
  }
});

test("an error's ref_id is its answer's x-request-id, and stands in the log", async () => {
  const lines: string[] = [];
  const output = new PassThrough().on("data", (line: Buffer) => lines.push(line.toString()));
  const engine = await startTestEngine(execute, { log: pino({ level: "debug" }, output) });
  const { url } = await listen(engine);
  const answer = await fetch(`${url}/v1/tasks/runs/unknown`);
  const { error } = ErrorBody.parse(await answer.json());
  expect(answer.headers.get("x-request-id")).toBe(error.ref_id);
  expect(lines.filter((line) => line.includes(error.ref_id))).toHaveLength(1);
  const fine = await fetch(`${url}/healthz`);
  expect(fine.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
});
