import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { createTaskApi } from "../../src/engine/http-api/app.ts";
import { API_LIMITS } from "../../src/engine/http-api/limits.ts";
import type { Profile } from "../../src/engine/http-api/profile.ts";
import { createAnswering } from "../../src/engine/executors/host/answering.ts";
import { createEvidenceStore } from "../../src/engine/research/create-evidence-store.ts";
import { createMetrics } from "../../src/engine/metrics.ts";
import { singleTenant } from "../../src/engine/tenants/tenants.ts";
import { ActionRequired, ExecutionFailed } from "../../src/engine/executors/executor.ts";
import { call } from "./call-engine.ts";
import { openRunStore } from "./open-run-store.ts";
import { listen } from "./raw-http.ts";
import { readAllEvents } from "./read-event-stream.ts";
import { silentLog, startTestEngine, textResult } from "./start-test-engine.ts";

const PROFILES: Profile[] = ["extended", "hosted"];
/** What the hosted API does not have. */
const EXTENSIONS =
  /cancel$|(?:answer|evidence)$|^POST \S+\/check$|^GET \S+\/(?:processors|tasks\/runs)$/;

/** The documents as they are served; a test reads whatever shape it expects. */
const documents = new Map<Profile, ReturnType<typeof JSON.parse>>();

beforeAll(async () => {
  for (const profile of PROFILES) {
    const engine = await startTestEngine(async () => textResult("never"), { profile });
    documents.set(profile, (await call(engine, "/openapi.json")).body);
  }
});

async function createApp(profile: Profile) {
  const clock = systemClock;
  const { db, runs } = await openRunStore(":memory:", clock);
  return createTaskApi({
    clock,
    runs,
    evidence: createEvidenceStore(db),
    answering: createAnswering({ runs, evidence: createEvidenceStore(db) }),
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
  const document = documents.get(profile);
  const result = await new Validator().validate(document);
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
  expect(document.openapi).toBe("3.1.0");
});

test.each(PROFILES)("every endpoint of the %s profile is in it, and no other", async (profile) => {
  const document = documents.get(profile);
  const documented = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  // Hono registers middlewares under ALL.
  const served = (await createApp("extended")).routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  const extensions = profile === "extended" ? [] : served.filter((one) => EXTENSIONS.test(one));
  expect(extensions).toHaveLength(profile === "extended" ? 0 : 9);
  expect(documented.toSorted()).toEqual(
    served.filter((one) => !extensions.includes(one)).toSorted(),
  );
  expect(documented).toContain("POST /v1/tasks/groups/{taskgroup_id}/runs");
});

test("every operation has its own name, a success and its error answers", async () => {
  const { paths } = documents.get("extended");
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
  const document = documents.get(profile);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "openapi", components: document.components });
  let count = 0;
  const validators = new Map<string, ReturnType<typeof ajv.compile>>();

  function check(schema: object, example: unknown, place: string): void {
    // References in the document are to the document.
    const text = JSON.stringify(schema).replaceAll('"#/', '"openapi#/');
    const validate = validators.get(text) ?? ajv.compile(JSON.parse(text));
    validators.set(text, validate);
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

/** Objects with named fields have no others: an answer may not hold what the document does not name. */
function withoutOthers(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withoutOthers);
  if (typeof part !== "object" || part === null) return part;
  const inner = Object.fromEntries(
    Object.entries(part).map(([key, value]) => [key, withoutOthers(value)]),
  );
  return "properties" in inner ? { ...inner, additionalProperties: false } : inner;
}

test("what a caller really gets fits the documented schemas, and holds no other fields", async () => {
  const engine = await startTestEngine(async ({ input, report }) => {
    await report({ type: "task_run.progress_msg.search", message: "looks" });
    await report({ type: "task_run.progress_stats", progress_meter: 50 });
    if (input.input === "ask") {
      throw new ActionRequired("Which?", { deadlineSeconds: 600, takesAnswer: true });
    }
    if (input.input === "fail") throw new ExecutionFailed("no document is about this");
    return textResult("About $3.05 trillion.");
  });
  const { url } = await listen(engine);
  const document = (await call(engine, "/openapi.json")).body;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "openapi", components: withoutOthers(document.components) });
  const seen = new Set<string>();

  function fits(method: string, template: string, status: number, value: unknown): void {
    const { content } = document.paths[template][method].responses[status];
    const [type] = Object.values<{ schema: object }>(content);
    const text = JSON.stringify(withoutOthers(type?.schema)).replaceAll('"#/', '"openapi#/');
    const validate = ajv.compile(JSON.parse(text));
    const place = `${method} ${template} ${status}`;
    expect(validate(value) ? [] : validate.errors, place).toEqual([]);
    seen.add(`${method} ${template}`);
  }
  async function get(template: string, ids: Record<string, string> = {}, query = "") {
    const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? name);
    const answer = await call(engine, path + query);
    fits("get", template, answer.status, answer.body);
  }
  async function post(template: string, body: object, ids: Record<string, string> = {}) {
    const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? name);
    const answer = await call(engine, path, body);
    fits("post", template, answer.status, answer.body);
    return answer.body;
  }
  async function stream(template: string, ids: Record<string, string>, query = "") {
    const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? name);
    const events = await readAllEvents(await fetch(url + path + query));
    expect(events.length, template).toBeGreaterThan(0);
    for (const { data } of events) fits("get", template, 200, data);
  }

  const run = "/v1/tasks/runs/{run_id}";
  const group = "/v1/tasks/groups/{taskgroup_id}";
  const question = { input: "q", processor: "base" };
  const { run_id } = await post("/v1/tasks/runs", { ...question, memory_scope_key: "unused" });
  const failing = await post("/v1/tasks/runs", { ...question, input: "fail" });
  const { taskgroup_id } = await post("/v1/tasks/groups", { metadata: { job: "42" } });
  await post(
    `${group}/runs`,
    { inputs: [question, { ...question, input: "fail" }] },
    { taskgroup_id },
  );
  await post(`${group}/runs`, { inputs: [question] }, { taskgroup_id });
  await stream(`${group}/events`, { taskgroup_id });
  await stream(`${group}/runs`, { taskgroup_id }, "?include_input=true&include_output=true");
  await stream(`${run}/events`, { run_id });
  await stream(`${run}/events`, failing);
  await get(`${run}/result`, { run_id }, "?timeout=10");
  await get(`${run}/result`, failing, "?timeout=10");
  await get(run, { run_id });
  await get(run, failing);
  await get(`${run}/input`, { run_id });
  await get(`${run}/evidence`, { run_id });
  await get(group, { taskgroup_id });
  await get(`${group}/runs/{run_id}`, { taskgroup_id, run_id });
  const asking = await post("/v1/tasks/runs", { ...question, input: "ask" });
  await get(`${run}/result`, asking, "?timeout=10");
  await get(`${run}/answer`, asking);
  await post(`${run}/answer`, { output: "One.", citations: {} }, asking);
  await post(`${run}/answer`, { output: "One.", citations: { output: [] } }, asking);
  await post(`${run}/cancel`, {}, { run_id });
  await post(`${group}/cancel`, {}, { taskgroup_id });
  await post("/v1/tasks/runs", {});
  await post("/v1/tasks/runs/check", { ...question, memory_scope_key: "unused" });
  for (const path of ["/v1/tasks/runs", "/v1/tasks/processors", "/healthz", "/openapi.json"]) {
    await get(path);
  }
  const documented = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );
  const unseen = documented.filter((one) => !seen.has(one) && !one.includes("/v1beta/"));
  expect(unseen).toEqual(["get /metrics"]);
});

test.each([
  ["TaskRun", ["error", "taskgroup_id", "warnings"]],
  ["TaskRunList", []],
  ["TaskRunResult", []],
  ["TaskGroup", []],
  ["TaskGroupStatus", []],
  ["TaskGroupRunResponse", []],
  ["TaskGroupStatusEvent", []],
  ["StateEvent", []],
  ["ProgressStatsEvent", ["source_stats"]],
  ["ProgressMessageEvent", []],
  ["ErrorObject", []],
  ["AnnouncedProcessor", []],
  ["RunEvidence", []],
  ["PassageOfRun", []],
])("in %s every field is required but %j", async (name, optional) => {
  const { components } = documents.get("extended");
  const { properties, required } = components.schemas[name];
  const others = Object.keys(properties).filter((field) => !required.includes(field));
  expect(others.toSorted()).toEqual(optional);
});

test("a status is one of those there are, and a count is a whole number", async () => {
  const { components } = documents.get("extended");
  const { TaskRun, TaskGroupStatus, RunStatus } = components.schemas;
  const status = { $ref: "#/components/schemas/RunStatus" };
  expect(RunStatus.enum).toHaveLength(7);
  expect(TaskRun.properties.status).toEqual(status);
  const { num_task_runs, task_run_status_counts } = TaskGroupStatus.properties;
  expect(num_task_runs.type).toBe("integer");
  expect(task_run_status_counts.propertyNames).toEqual(status);
  expect(task_run_status_counts.additionalProperties.type).toBe("integer");
});

test("the hosted profile documents none of the extensions", async () => {
  const text = JSON.stringify(documents.get("hosted"));
  expect(text).not.toMatch(/cancelTask|listTaskRuns|readEvidence|Idempotency-Key|Last-Event-ID/);
});
