// Compares `task-run-mcp http` with a bare node:http server and the smallest SDK servers, over loopback in one run, and
// measures the memory of a waiting call. Run `npm run bench:bridge` on an idle machine. Compare only figures of the same
// run: client and server share the cores.
import { type ChildProcess, spawn } from "node:child_process";
import { once, setMaxListeners } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Agent, request } from "undici";
import { z } from "zod";
import { type Figure, printFigures } from "./figures.ts";

const BINARY = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const SERVER = fileURLToPath(new URL("bridge-server.ts", import.meta.url));
const CALLERS = 16;
/** Until V8 has compiled the hot code. */
const WARM_CALLS = 4_000;
const ROUNDS = 3;
const ROUND_MS = 2_000;
const WAITERS = 2_000;
/** The server frees memory at the first of its 10 s checks that finds no work. */
const REST_MS = 22_000;
const TOKEN = "bench-token-0123456789abcdef";

/** The server requires a token and runs all checks. */
const HTTP = [BINARY, "http", "--port", "0", "--log-level", "warn"];

const dispatcher = new Agent({ connections: null, headersTimeout: 0, bodyTimeout: 0 });
const children: ChildProcess[] = [];

async function start(
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, command, {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const failed = once(child, "exit").then(() => Promise.reject(new Error(`${command[0]} ended`)));
  const line = once(createInterface({ input: child.stdout }), "line");
  const [url] = z.tuple([z.string()]).parse(await Promise.race([line, failed]));
  failed.catch(() => {});
  return { url, child };
}

const startKind = (kind: string, backendUrl = "") =>
  start(["--import", "tsx", SERVER, kind, backendUrl]);

type Era = "2025" | "2026";

interface Target {
  name: string;
  url: string;
  child: ChildProcess;
  era: Era;
  tool: string;
  args: Record<string, unknown>;
  /** Text that every answer must contain. */
  expected: string;
}

async function call(
  { url, era, tool, args }: Pick<Target, "url" | "era" | "tool" | "args">,
  signal?: AbortSignal,
): Promise<string> {
  const modern = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const { statusCode, body } = await request(url, {
    dispatcher,
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      authorization: `Bearer ${TOKEN}`,
      ...(era === "2026" && {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": tool,
      }),
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: tool, arguments: args, ...(era === "2026" && { _meta: modern }) },
    }),
    ...(signal && { signal }),
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}: ${text}`);
  return text;
}

async function callAndCheck(target: Target): Promise<void> {
  const text = await call(target);
  if (!text.includes(target.expected)) throw new Error(`${target.name} answered ${text}`);
}

/** Makes calls with all callers until `isOver`. Returns the duration of each call in ms. */
async function load(target: Target, isOver: (calls: number) => boolean): Promise<number[]> {
  const latencies: number[] = [];
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (!isOver(latencies.length)) {
        const startedAt = performance.now();
        await callAndCheck(target);
        latencies.push(performance.now() - startedAt);
      }
    }),
  );
  return latencies;
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted.at(Math.min(sorted.length - 1, Math.floor(sorted.length * share))) ?? 0;
}

const median = (values: readonly number[]) =>
  percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

/** User and system CPU time of a process in ms. Linux only: a clock tick is 10 ms. */
async function cpuMs({ pid }: ChildProcess): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Resident memory of a process, in KiB. Linux only. */
async function residentKib({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
}

const figures: Figure[] = [];

async function compareThroughput(targets: readonly Target[]): Promise<void> {
  const perSecond = new Map<Target, number[]>(targets.map((target) => [target, []]));
  const latencies = new Map<Target, number[]>(targets.map((target) => [target, []]));
  const cpu = new Map<Target, number>();
  for (const target of targets) await load(target, (calls) => calls >= WARM_CALLS);
  for (let round = 0; round < ROUNDS; round++) {
    for (const target of targets) {
      const cpuBefore = await cpuMs(target.child);
      const startedAt = performance.now();
      const taken = await load(target, () => performance.now() - startedAt > ROUND_MS);
      const seconds = (performance.now() - startedAt) / 1_000;
      perSecond.get(target)?.push(taken.length / seconds);
      latencies.get(target)?.push(...taken);
      cpu.set(target, (((await cpuMs(target.child)) - cpuBefore) * 1_000) / taken.length);
    }
  }
  const rateOf = (name: string) =>
    median([...perSecond].find(([target]) => target.name === name)?.[1] ?? []);
  console.log(
    `| ${CALLERS} callers | calls/s | of raw echo | of raw bridge | p50 ms | p99 ms | CPU µs/call |`,
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const target of targets) {
    const rate = median(perSecond.get(target) ?? []);
    const sorted = (latencies.get(target) ?? []).toSorted((a, b) => a - b);
    figures.push(
      { figure: `${target.name}: tools/call, ${CALLERS} callers`, value: rate, unit: "req/s" },
      {
        figure: `${target.name}: of the raw bridge`,
        value: rate / rateOf("raw bridge"),
        unit: "×",
      },
      { figure: `${target.name}: p50`, value: percentile(sorted, 0.5), unit: "ms" },
      { figure: `${target.name}: p99`, value: percentile(sorted, 0.99), unit: "ms" },
    );
    console.log(
      `| ${target.name} | ${Math.round(rate)} | ${(rate / rateOf("raw echo")).toFixed(3)} | ${(rate / rateOf("raw bridge")).toFixed(3)} | ${percentile(sorted, 0.5).toFixed(2)} | ${percentile(sorted, 0.99).toFixed(1)} | ${Math.round(cpu.get(target) ?? 0)} |`,
    );
  }
}

/** Holds waiting calls open and reports the memory of each, including its sockets. */
async function measureWaiting(
  name: string,
  target: Omit<Target, "expected" | "name">,
  argsOf: (index: number) => Target["args"],
) {
  const before = await residentKib(target.child);
  const leave = new AbortController();
  setMaxListeners(0, leave.signal);
  let failed = 0;
  const calls = Array.from({ length: WAITERS }, async (_, index) => {
    try {
      await call({ ...target, args: argsOf(index) }, leave.signal);
    } catch (error) {
      if (!leave.signal.aborted) {
        failed += 1;
        if (failed === 1) console.error(error);
      }
    }
  });
  const metricsUrl = new URL("/metrics", target.url);
  let open = 0;
  let peak = before;
  for (let look = 0; look < 60 && open < WAITERS && failed === 0; look++) {
    await setTimeout(250);
    const { body } = await request(metricsUrl, { dispatcher });
    open = Number(/^task_run_mcp_open_calls (\d+)$/m.exec(await body.text())?.[1]);
    peak = Math.max(peak, await residentKib(target.child));
  }
  // Wait until every call has also reached the backend.
  for (let look = 0; look < 20; look++) {
    await setTimeout(250);
    peak = Math.max(peak, await residentKib(target.child));
  }
  // Measure again after the garbage of 2,000 simultaneous calls has been collected.
  await setTimeout(REST_MS);
  const settled = await residentKib(target.child);
  leave.abort();
  await Promise.all(calls);
  figures.push(
    { figure: `${WAITERS} calls waiting ${name}: failed`, value: failed, unit: "" },
    {
      figure: `${WAITERS} calls waiting ${name}: memory of each`,
      value: (peak - before) / WAITERS,
      unit: "KiB",
    },
    {
      figure: `${WAITERS} calls waiting ${name}: memory of each, after half a minute`,
      value: (settled - before) / WAITERS,
      unit: "KiB",
    },
  );
  console.log(
    `| ${name} | ${open} | ${failed} | ${Math.round(before / 1024)} → ${Math.round(peak / 1024)} | ${((peak - before) / WAITERS).toFixed(1)} | ${((settled - before) / WAITERS).toFixed(1)} |`,
  );
}

const stateDir = await mkdtemp(join(tmpdir(), "task-run-mcp-bench-"));
try {
  const backend = await startKind("backend");
  const ours = await start([...HTTP, "--caller-requests-per-minute", "100000000"], {
    PARALLEL_BASE_URL: backend.url,
    TASK_RUN_MCP_HTTP_TOKEN: TOKEN,
    TASK_RUN_MCP_STATE_DIR: stateDir,
  });
  const created = await call({
    url: ours.url,
    era: "2025",
    tool: "create_task_run",
    args: { input: "done" },
  });
  const runId = /trun_done_\d+/.exec(created)?.[0] ?? "";
  const echo = { tool: "echo", args: { text: "Grüße" }, era: "2026" } as const;
  const look = {
    tool: "get_task_run",
    args: { run_id: runId, wait_seconds: 0, view: "status" },
    expected: runId,
  };
  const targets: Target[] = [
    { name: "raw echo", ...(await startKind("raw echo")), ...echo, expected: "Grüße" },
    { name: "SDK echo", ...(await startKind("SDK echo")), ...echo, expected: "Grüße" },
    {
      name: "raw bridge",
      ...(await startKind("raw bridge", backend.url)),
      ...echo,
      expected: "trun_done_0",
    },
    {
      name: "SDK bridge",
      ...(await startKind("SDK bridge", backend.url)),
      ...echo,
      expected: "trun_done_0",
    },
    { name: "ours, 2026-07-28", ...ours, ...look, era: "2026" },
    { name: "ours, 2025-11-25", ...ours, ...look, era: "2025" },
  ];
  console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}\n`);
  await compareThroughput(targets);

  console.log(
    "\n| waiting calls | open | failed | memory MiB | KiB per call | after half a minute |",
  );
  console.log("| --- | --- | --- | --- | --- | --- |");
  const wait = (run_id: string) => ({ run_id, wait_seconds: 50 });
  for (const era of ["2025", "2026"] as const) {
    const fresh = await start(HTTP, {
      PARALLEL_BASE_URL: backend.url,
      TASK_RUN_MCP_HTTP_TOKEN: TOKEN,
      TASK_RUN_MCP_STATE_DIR: stateDir,
    });
    const target = { ...fresh, era, tool: "get_task_run", args: {} };
    const active: string[] = [];
    for (let i = 0; i < WAITERS; i++) {
      const text = await call({ ...target, tool: "create_task_run", args: { input: "wait" } });
      active.push(/trun_active_\d+/.exec(text)?.[0] ?? "");
    }
    await setTimeout(REST_MS);
    await measureWaiting(`on one run, ${era}`, target, () => wait(active[0] ?? ""));
    await setTimeout(REST_MS);
    await measureWaiting(`on a run each, ${era}`, target, (index) => wait(active[index] ?? ""));
    fresh.child.kill("SIGTERM");
    await once(fresh.child, "exit");
  }
  console.log("");
  printFigures("bridge", figures);
} finally {
  for (const child of children) child.kill("SIGKILL");
  await rm(stateDir, { recursive: true, force: true });
}
