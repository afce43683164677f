import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { StdioClientTransport as V2Transport } from "@modelcontextprotocol/client/stdio";
import { StdioClientTransport as V1Transport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { z } from "zod";
import { type ClientKind, type TestClient, connectClient } from "../mcp/connect.ts";
import { onFinished } from "../on-finished.ts";

/** The program as it is installed. `npm test` builds it first. */
export const BINARY = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
await access(BINARY);

export const EXAMPLE_DOCUMENTS = fileURLToPath(
  new URL("../../examples/documents", import.meta.url),
);

export interface Launch {
  args?: string[];
  stateDir: string;
  env?: Record<string, string>;
}

/** The environment of a launch: nothing of ours leaks in, above all no API key. */
export function environment({ stateDir, env }: Launch): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    TASK_RUN_MCP_STATE_DIR: stateDir,
    TASK_RUN_MCP_LOG_LEVEL: "error",
    ...env,
  };
}

/** The environment of a process that runs this JavaScript before our program, such as to move its clock. */
export function preload(script: string): Record<string, string> {
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
}

/** An MCP client connected to a process of our program over stdio. */
export async function connectStdio(
  kind: ClientKind,
  options: Launch,
): Promise<TestClient & { pid: number }> {
  const parameters = {
    command: process.execPath,
    args: [BINARY, ...(options.args ?? [])],
    env: environment(options),
  };
  const v1 = new V1Transport(parameters);
  const v2 = new V2Transport(parameters);
  const client = await connectClient(kind, { v1: () => v1, v2: () => v2 });
  return { ...client, pid: v1.pid ?? v2.pid ?? -1 };
}

/** A process of our program that a test talks to by hand. */
export function launch(
  options: Launch,
): ChildProcess & { stdout: NonNullable<ChildProcess["stdout"]> } {
  const child = spawn(process.execPath, [BINARY, ...(options.args ?? [])], {
    env: environment(options),
    stdio: ["pipe", "pipe", "pipe"],
  });
  onFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Runs a command to its end. */
export async function runToEnd(
  options: Launch,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = launch(options);
  child.stdin?.end();
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr?.on("data", (chunk) => (stderr += String(chunk)));
  const [code] = await once(child, "close");
  return { code: z.number().nullable().parse(code), stdout, stderr };
}

/** The first line that a process writes to stdout. */
export async function firstLine(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end);
  }
  throw new Error(`The process ended without a line; it wrote: ${text}`);
}
