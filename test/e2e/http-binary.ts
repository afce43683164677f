import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { z } from "zod";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { onFinished } from "../on-finished.ts";
import { BINARY } from "./built-binary.ts";

/** Starts `task-run-mcp http` on a free port; it is stopped when the test ends. */
export async function startHttpBinary(
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<{ url: string }> {
  const child = spawn(
    process.execPath,
    [BINARY, "http", "--port", "0", "--log-level", "error", ...args],
    {
      env: { PATH: process.env["PATH"], TASK_RUN_MCP_STATE_DIR: await temporaryFolder(), ...env },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const exited = once(child, "exit");
  onFinished(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  const [url] = z.tuple([z.string()]).parse(await once(createInterface(child.stdout), "line"));
  return { url };
}
