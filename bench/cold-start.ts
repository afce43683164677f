// Measures the time from the start of the process to the answer to `tools/list` over stdio, and the memory after the
// answer to a `ping`, when everything that serves a client is loaded. Compares with the smallest server on the MCP SDK,
// the smallest server without it, and Node itself. Run `npm run bench:cold-start` on an idle machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { ROOT, writeBundle } from "../scripts/bundling.ts";
import { printFigures } from "./figures.ts";

const SPAWNS = 15;

const NO_SDK = `
  require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const { id, method } = JSON.parse(line);
    if (id === undefined) return;
    let result = {};
    if (method === "tools/list") result = { tools: [] };
    if (method === "initialize") {
      const serverInfo = { name: "floor", version: "1" };
      result = { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo };
    }
    process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\\n");
  });
`;

const SMALLEST_SDK = `
  import { McpServer } from "@modelcontextprotocol/server";
  import { serveStdio } from "@modelcontextprotocol/server/stdio";
  import { z } from "zod";
  serveStdio(() => {
    const server = new McpServer({ name: "smallest", version: "1" });
    const inputSchema = z.object({ text: z.string() });
    server.registerTool("echo", { description: "Echoes", inputSchema }, async ({ text }) => ({
      content: [{ type: "text", text }],
    }));
    return server;
  });
`;

interface Start {
  initializeMs: number;
  toolsMs: number;
  pingMs: number;
  residentMiB: number;
}

const Answer = z.looseObject({ id: z.number().optional() });

const request = (id: number, method: string, params: object) =>
  `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`;

const INITIALIZE = request(1, "initialize", {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "bench", version: "1" },
});
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}\n';
const LIST_TOOLS = request(2, "tools/list", {});
const PING = request(3, "ping", {});

async function startServer(file: string, stateDir: string): Promise<Start> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [file], {
    env: { PATH: process.env["PATH"], TASK_RUN_MCP_STATE_DIR: stateDir },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  child.stdin.write(INITIALIZE);
  const start: Start = { initializeMs: 0, toolsMs: 0, pingMs: 0, residentMiB: 0 };
  for await (const line of createInterface({ input: child.stdout })) {
    const { id } = Answer.parse(JSON.parse(line));
    if (id === 1) {
      start.initializeMs = performance.now() - startedAt;
      child.stdin.write(INITIALIZED + LIST_TOOLS);
    }
    if (id === 2) {
      start.toolsMs = performance.now() - startedAt;
      child.stdin.write(PING);
    }
    if (id === 3) {
      start.pingMs = performance.now() - startedAt;
      start.residentMiB = await residentMiB(child.pid);
      break;
    }
  }
  child.stdin.end();
  await exited;
  return start;
}

/** Linux only; 0 on other systems. */
async function residentMiB(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

async function startNode(): Promise<number> {
  const startedAt = performance.now();
  await once(spawn(process.execPath, ["-e", "0"]), "exit");
  return performance.now() - startedAt;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

const folder = await mkdtemp(join(tmpdir(), "task-run-mcp-bench-"));
try {
  const floor = join(folder, "floor.cjs");
  const smallest = join(folder, "smallest.js");
  await writeFile(floor, NO_SDK);
  await writeFile(join(folder, "smallest.ts"), SMALLEST_SDK);
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"), "junction");
  await writeBundle({ input: { smallest: join(folder, "smallest.ts") }, folder, isOneFile: true });
  const servers = {
    "the floor, no SDK": floor,
    "the smallest SDK server": smallest,
    "task-run-mcp": join(ROOT, "dist", "cli.js"),
  };
  const starts = new Map<string, Start[]>();
  const bare: number[] = [];
  // Interleaved, so that a busy moment slows all servers alike. The first round only warms the disk cache.
  for (let round = 0; round <= SPAWNS; round += 1) {
    const nodeMs = await startNode();
    if (round > 0) bare.push(nodeMs);
    for (const [name, file] of Object.entries(servers)) {
      const start = await startServer(file, folder);
      if (round > 0) starts.set(name, [...(starts.get(name) ?? []), start]);
    }
  }
  const of = (name: string, figure: keyof Start) =>
    median((starts.get(name) ?? []).map((start) => start[figure]));
  const floorMs = of("the floor, no SDK", "toolsMs");
  printFigures("cold-start", [
    { figure: "node -e 0, until it has ended", value: median(bare), unit: "ms" },
    ...Object.keys(servers).flatMap((name) => [
      {
        figure: `${name}: until initialize is answered`,
        value: of(name, "initializeMs"),
        unit: "ms",
      },
      { figure: `${name}: until tools/list is answered`, value: of(name, "toolsMs"), unit: "ms" },
      {
        figure: `${name}: tools/list, of the floor`,
        value: of(name, "toolsMs") / floorMs,
        unit: "×",
      },
      { figure: `${name}: until ping is answered next`, value: of(name, "pingMs"), unit: "ms" },
      { figure: `${name}: resident memory then`, value: of(name, "residentMiB"), unit: "MiB" },
    ]),
  ]);
} finally {
  await rm(folder, { recursive: true, force: true });
}
