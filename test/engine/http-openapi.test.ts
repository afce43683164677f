import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { createTaskApi } from "../../src/engine/http-api/app.ts";
import { readEndpoints } from "../../src/engine/http-api/endpoints.ts";
import { API_LIMITS } from "../../src/engine/http-api/limits.ts";
import type { ApiProfile } from "../../src/engine/http-api/profile.ts";
import { createMetrics } from "../../src/engine/metrics.ts";
import { singleTenant } from "../../src/engine/tenants/tenants.ts";
import { call } from "./call-engine.ts";
import { openRunStore } from "./open-run-store.ts";
import { silentLog, startTestEngine, textResult } from "./start-test-engine.ts";

const PROFILES: ApiProfile[] = ["extended", "hosted"];

/** The document as it is served; a test reads whatever shape it expects. */
async function readDocument(profile: ApiProfile): Promise<ReturnType<typeof JSON.parse>> {
  const engine = await startTestEngine(async () => textResult("never"), { profile });
  return (await call(engine, "/openapi.json")).body;
}

async function createApp(profile: ApiProfile) {
  const clock = systemClock;
  const { runs } = await openRunStore(":memory:", clock);
  return createTaskApi({
    clock,
    runs,
    executorKey: "test",
    priceOf: () => 0,
    usualSeconds: () => null,
    warningsFor: async () => [],
    tenants: singleTenant(undefined),
    profile,
    requireBetas: false,
    limits: API_LIMITS,
    webhooks: { allowed: [], areSigned: false },
    metrics: createMetrics({ runs, clock }),
    log: silentLog,
  });
}

test.each(PROFILES)("the document of the %s profile is valid OpenAPI 3.1", async (profile) => {
  const document = await readDocument(profile);
  const result = await new Validator().validate(document);
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
  expect(document.openapi).toBe("3.1.0");
});

test.each(PROFILES)("every endpoint of the %s profile is in it, and no other", async (profile) => {
  const document = await readDocument(profile);
  const documented = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = readEndpoints(await createApp(profile), profile).map(
    ({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`,
  );
  expect(documented.toSorted()).toEqual(served.toSorted());
  expect(served).toContain("POST /v1/tasks/groups/{taskgroup_id}/runs");
});

test("every operation has its own name, a success and its error answers", async () => {
  const { paths } = await readDocument("extended");
  const operations = Object.entries<Record<string, ReturnType<typeof JSON.parse>>>(paths).flatMap(
    ([path, byMethod]) => Object.values(byMethod).map((operation) => ({ path, ...operation })),
  );
  const names = operations.map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const { path, operationId, responses } of operations) {
    const statuses = Object.keys(responses);
    expect(
      statuses.some((status) => status.startsWith("2")),
      operationId,
    ).toBe(true);
    if (path.startsWith("/v1")) {
      expect(statuses, operationId).toEqual(expect.arrayContaining(["401", "405", "500", "503"]));
    }
  }
  expect(Object.keys(paths["/v1/tasks/runs"].post.responses)).toEqual([
    "202",
    "401",
    "402",
    "403",
    "405",
    "409",
    "413",
    "415",
    "422",
    "429",
    "500",
    "503",
  ]);
  expect(Object.keys(paths["/v1/tasks/runs/{run_id}/result"].get.responses)).toContain("408");
});

test.each(PROFILES)("every example of the %s profile fits its schema", async (profile) => {
  const document = await readDocument(profile);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "openapi", components: document.components });
  let count = 0;

  function check(schema: object, example: unknown, place: string): void {
    // References in the document are to the document.
    const text = JSON.stringify(schema).replaceAll('"#/', '"openapi#/');
    const validate = ajv.compile(JSON.parse(text));
    expect(validate(example) ? [] : validate.errors, place).toEqual([]);
    count += 1;
  }

  function walk(part: unknown, place: string): void {
    if (typeof part !== "object" || part === null) return;
    if ("schema" in part && "examples" in part) {
      for (const [name, { value }] of Object.entries<{ value: unknown }>(Object(part.examples))) {
        check(Object(part.schema), value, `${place}/${name}`);
      }
    }
    if ("examples" in part && Array.isArray(part.examples)) {
      const { examples, ...schema } = part;
      for (const example of examples) check(schema, example, place);
    }
    for (const [key, inner] of Object.entries(part)) walk(inner, `${place}/${key}`);
  }

  walk(document.paths, "");
  walk(document.components, "components");
  expect(count).toBeGreaterThan(100);
});

test("what a caller really gets fits the documented schema", async () => {
  const engine = await startTestEngine(async () => textResult("About $3.05 trillion."));
  const document = (await call(engine, "/openapi.json")).body;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "openapi", components: document.components });
  const fits = (name: string, value: unknown) => {
    const validate = ajv.compile({ $ref: `openapi#/components/schemas/${name}` });
    expect(validate(value) ? [] : validate.errors).toEqual([]);
  };
  const { body: run } = await call(engine, "/v1/tasks/runs", { input: "q", processor: "base" });
  fits("TaskRun", run);
  const { body: result } = await call(engine, `/v1/tasks/runs/${run.run_id}/result?timeout=10`);
  fits("TaskRunResult", result);
  fits("TaskRunList", (await call(engine, "/v1/tasks/runs")).body);
  fits("ErrorResponse", (await call(engine, "/v1/tasks/runs", {})).body);
});

test("the hosted profile documents none of the extensions", async () => {
  const text = JSON.stringify(await readDocument("hosted"));
  expect(text).not.toMatch(/cancelTask|listTaskRuns|Idempotency-Key|Last-Event-ID/);
});
