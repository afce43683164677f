import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createFixtureServer } from "./fixture-server.ts";
import { SUITE_FOLDER, runSuite, serveOpen } from "./run-suite.ts";

const expectedFailures = (name: string) => [
  "--expected-failures",
  fileURLToPath(new URL(`expected-failures/${name}.yml`, import.meta.url)),
];

describe.skipIf(SUITE_FOLDER === undefined)("the official conformance suite", () => {
  test.each(["2026-07-28", "2025-11-25"])(
    "our HTTP wiring passes what %s requires, but for what a stateless server cannot do",
    async (revision) => {
      const url = await serveOpen(createFixtureServer);
      const { code, output } = await runSuite(url, [
        "--requirements",
        revision,
        ...expectedFailures(revision),
      ]);
      expect(output, output).toContain("");
      expect({ code, output: code === 0 ? "" : output }).toEqual({ code: 0, output: "" });
    },
    300_000,
  );
});
