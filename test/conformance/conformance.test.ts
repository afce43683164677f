import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createFixtures } from "./fixture-server.ts";
import { SUITE_FOLDER, runSuite, serveOpen } from "./run-suite.ts";
import { createRequiredTaskFixture, createTaskFixtures } from "./task-fixtures.ts";

/** The suite takes up to a minute for a revision. */
const TIMEOUT_MS = 300_000;

const expectedFailures = (name: string) => [
  "--expected-failures",
  fileURLToPath(new URL(`expected-failures/${name}.yml`, import.meta.url)),
];

/** What the suite said is shown when it did not end well. A scenario that it skips is not one that passed. */
async function expectToPass(url: string, args: readonly string[]): Promise<void> {
  const { code, output } = await runSuite(url, args);
  const isPassed = code === 0 && !output.includes("SKIPPED: scenario");
  expect({ args, code, output: isPassed ? "" : output }).toEqual({ args, code: 0, output: "" });
}

describe.skipIf(SUITE_FOLDER === undefined)("the official conformance suite", () => {
  test.each([
    ["2026-07-28", []],
    // But for what a stateless server cannot do.
    ["2025-11-25", expectedFailures("2025-11-25")],
  ])(
    "our HTTP wiring passes what %s requires",
    async (revision, exceptions) => {
      const { factory, bus } = createFixtures();
      const url = await serveOpen(factory, bus);
      await expectToPass(url, ["--requirements", revision, ...exceptions]);
    },
    TIMEOUT_MS,
  );

  // The runs above leave out what the suite requires of nobody yet.
  test.each([
    ["2025-11-25", "json-schema-2020-12"],
    ["2026-07-28", "json-schema-2020-12"],
    ["2026-07-28", "http-custom-header-server-validation"],
  ])(
    "our HTTP wiring passes what %s does not require yet: %s",
    async (revision, scenario) => {
      const { factory, bus } = createFixtures();
      const url = await serveOpen(factory, bus);
      await expectToPass(url, ["--spec-version", revision, "--scenario", scenario]);
    },
    TIMEOUT_MS,
  );

  test.each([
    ["2025-11-25", ["server-initialize", "ping", "tools-list", "dns-rebinding-protection"]],
    [
      "2026-07-28",
      [
        "tools-list",
        "dns-rebinding-protection",
        "server-sse-multiple-streams",
        "sep-2164-resource-not-found",
        "http-header-validation",
        "caching",
      ],
    ],
  ])(
    "our own server passes the scenarios of %s that need no fixtures",
    async (revision, scenarios) => {
      const url = await serveOpen(await createTaskFixtures());
      for (const scenario of scenarios) {
        await expectToPass(url, ["--spec-version", revision, "--scenario", scenario]);
      }
    },
    TIMEOUT_MS,
  );

  test(
    "runs as tasks pass the scenarios of the extension, but for what no run does",
    async () => {
      const url = await serveOpen(await createTaskFixtures());
      for (const scenario of [
        "lifecycle",
        "capability-negotiation",
        "wire-fields",
        "request-state-removal",
        "mrtr-input",
        "request-headers",
        "dispatch-and-envelope",
        "mrtr-composition",
      ]) {
        await expectToPass(url, ["--scenario", `tasks-${scenario}`, ...expectedFailures("tasks")]);
      }
    },
    TIMEOUT_MS,
  );

  test("a call that needs tasks is refused over our HTTP wiring as the extension says", async () => {
    const url = await serveOpen(createRequiredTaskFixture);
    await expectToPass(url, ["--scenario", "tasks-required-task-error"]);
  });
});
