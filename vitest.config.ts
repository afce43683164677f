import { readFileSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

const files = readdirSync("test", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts") && !name.startsWith("current-node"))
  .map((name) => join("test", name).replaceAll("\\", "/"));
const filesWith = (pattern: RegExp) =>
  files.filter((name) => pattern.test(readFileSync(name, "utf8")));
const without = (...lists: string[][]) => files.filter((name) => !lists.flat().includes(name));

// A module that is mocked, time that is faked: no other file may see them.
const isolated = filesWith(/\bvi\.(mock|doMock|spyOn|stub\w+|useFakeTimers)\(/);
const endToEnd = files.filter((name) => /^test\/(e2e|conformance)\//.test(name));
const soak = files.filter((name) => name.startsWith("test/soak/"));
// What a release stands for: packages, the command line, traces, killed programs. They start hundreds of processes.
const release = files.filter((name) => name.startsWith("test/release/"));
// They reach limits of the memory of their whole process: no other file may run in it.
const alone = ["hostile-files", "large-data"].map((name) => `test/engine/sources/${name}.test.ts`);
// Files whose load can be turned up.
const loaded = filesWith(/from "(fast-check|\S+\/load\.ts)"/);

/** `npm run test:soak` has the full loads and the release tests, which `npm test` leaves out. */
export default defineConfig(({ mode }) => {
  const isSoak = mode === "soak";
  const isShared = (name: string) => !alone.includes(name);
  const project = (name: string, include: string[], isIsolated: boolean) => ({
    extends: true as const,
    test: { name, include, isolate: isIsolated },
  });
  const ownProcess = {
    extends: true as const,
    test: { name: "alone", include: alone, pool: "forks" as const },
  };
  return {
    test: {
      pool: "threads",
      setupFiles: ["test/setup.ts"],
      env: { TEST_LOAD: isSoak ? "full" : "short" },
      // Many files wait for processes that they start: one worker more than cores leaves none of them idle.
      maxWorkers: availableParallelism() + 1,
      // No limit that a busy machine breaks: a test that hangs is found all the same.
      testTimeout: isSoak ? 600_000 : 120_000,
      hookTimeout: 120_000,
      expect: { poll: { timeout: 60_000 } },
      projects: isSoak
        ? [
            project("soak", [...new Set([...soak, ...loaded])].filter(isShared), true),
            ownProcess,
            project("release", release, false),
          ]
        : [
            project("unit", without(isolated, endToEnd, soak, release, alone), false),
            ownProcess,
            project("isolated", isolated, true),
            project("e2e", endToEnd, false),
            project("soak", soak, true),
            project("release", release, false),
          ],
    },
  };
});
