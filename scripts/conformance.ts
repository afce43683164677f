// Runs the tests that need a newer Node than our minimum: the official conformance suite, the Inspector's command line,
// and the desktop bundle. `npm run conformance` installs that Node in test/current-node. Linux on x64 only.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");

const { status } = spawnSync(
  process.execPath,
  [
    vitest,
    "run",
    "test/conformance",
    "test/e2e/inspector.test.ts",
    "test/release/desktop-bundle.test.ts",
  ],
  {
    cwd: ROOT,
    env: { ...process.env, MCP_CONFORMANCE: join(ROOT, "test", "current-node") },
    stdio: "inherit",
  },
);
process.exitCode = status ?? 1;
