import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Client as V2Client } from "@modelcontextprotocol/client";
import { StdioClientTransport as V2Transport } from "@modelcontextprotocol/client/stdio";
import { Client as V1Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as V1Transport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { z } from "zod";
import { onFinished } from "../on-finished.ts";

/** The program as it is installed. `npm test` builds it first. */
export const BINARY = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
await access(BINARY);

export const EXAMPLE_DOCUMENTS = fileURLToPath(
  new URL("../../examples/documents", import.meta.url),
);

export const CLIENT_KINDS = [
  "v1 client",
  "v2 client, 2025-11-25",
  "v2 client, 2026-07-28",
] as const;
export type ClientKind = (typeof CLIENT_KINDS)[number];

export interface Launch {
  args?: string[];
  stateDir: string;
  env?: Record<string, string>;
}

export interface Progress {
  progress: number;
  total?: number | undefined;
  message?: string | undefined;
}

const ToolResult = z.object({
  content: z.array(z.looseObject({ type: z.literal("text"), text: z.string() })),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
  isError: z.boolean().optional(),
});

/** An MCP client connected to our program over stdio. */
export interface StdioClient {
  pid: number;
  listTools(): Promise<{ name: string }[]>;
  call(
    name: string,
    args: Record<string, unknown>,
    onprogress?: (progress: Progress) => void,
  ): Promise<{ text: string; report: Record<string, unknown>; isError: boolean }>;
  close(): Promise<void>;
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

export async function connectStdio(kind: ClientKind, options: Launch): Promise<StdioClient> {
  const parameters = {
    command: process.execPath,
    args: [BINARY, ...(options.args ?? [])],
    env: environment(options),
  };
  const read = (result: unknown) => {
    const { content, structuredContent, isError } = ToolResult.parse(result);
    const text = content.map((block) => block.text).join("\n");
    return { text, report: structuredContent ?? {}, isError: isError ?? false };
  };
  if (kind === "v1 client") {
    const client = new V1Client({ name: "test", version: "1" });
    const transport = new V1Transport(parameters);
    await client.connect(transport);
    onFinished(() => client.close());
    return {
      pid: transport.pid ?? -1,
      listTools: async () => (await client.listTools()).tools,
      call: async (name, args, onprogress) =>
        read(
          await client.callTool({ name, arguments: args }, undefined, onprogress && { onprogress }),
        ),
      close: () => client.close(),
    };
  }
  const mode = kind === "v2 client, 2026-07-28" ? { pin: "2026-07-28" } : "legacy";
  const client = new V2Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  const transport = new V2Transport(parameters);
  await client.connect(transport);
  onFinished(() => client.close());
  return {
    pid: transport.pid ?? -1,
    listTools: async () => (await client.listTools()).tools,
    call: async (name, args, onprogress) =>
      read(await client.callTool({ name, arguments: args }, onprogress && { onprogress })),
    close: () => client.close(),
  };
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
