import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Interface, createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { z } from "zod";

/**
 * Plain JavaScript: what compiles TypeScript on the way is a process that shares this stderr, and may make it block.
 */
let script: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "task-run-mcp-logging-"));
  script = join(folder, "logging-process.mjs");
  await build({
    input: fileURLToPath(new URL("logging-process.ts", import.meta.url)),
    platform: "node",
    logLevel: "warn",
    output: { file: script, codeSplitting: false },
  });
  return () => rm(folder, { recursive: true });
});

/** Far more than any pipe and the logger itself hold. */
const FLOOD = 5_000;

/** A process that logs so many lines to its stderr, and says when it has. */
function startLogging(stderr: "pipe" | number) {
  const child = spawn(process.execPath, [script], {
    stdio: ["pipe", "pipe", stderr],
  });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const answers = createInterface(readable(child.stdout))[Symbol.asyncIterator]();
  return {
    stderr: child.stderr,
    async log(lines: number) {
      child.stdin?.write(`${lines}\n`);
      expect((await answers.next()).value).toBe("done");
    },
    async end() {
      child.stdin?.end();
      expect(await exited).toEqual([0, null]);
    },
  };
}

function readable(stream: Readable | null): Readable {
  if (stream === null) throw new Error("No pipe was made");
  return stream;
}

const Line = z.object({ line: z.number().optional(), dropped: z.number().optional() });

/** Reads lines until one says how many are missing; they and the missing ones together are all that were logged. */
async function countUntilTold(lines: Interface): Promise<number> {
  let count = 0;
  for await (const text of lines) {
    expect(text).not.toContain("hush");
    const { dropped } = Line.parse(JSON.parse(text));
    if (dropped !== undefined) return count + dropped;
    count += 1;
  }
  throw new Error("Nothing was said about lines that were dropped");
}

test("a log that nobody reads stops nothing; who reads it later is told how much is missing", async () => {
  const { stderr, log, end } = startLogging("pipe");
  await log(FLOOD);
  await log(0);
  expect(await countUntilTold(createInterface(readable(stderr)))).toBe(FLOOD);
  await end();
});

test.skipIf(process.platform === "win32")("so does a named pipe", async () => {
  const folder = await mkdtemp(join(tmpdir(), "task-run-mcp-log-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const pipe = openSync(path, constants.O_RDWR);
  const { log, end } = startLogging(pipe);
  // The process has the only open end, so that reading ends with it.
  closeSync(pipe);
  await log(FLOOD);
  const reader = await open(path);
  const lines = createInterface(reader.createReadStream());
  expect(await countUntilTold(lines)).toBe(FLOOD);
  lines.close();
  await end();
});

test("a reader that has gone, and a full disk, stop nothing", async () => {
  const gone = startLogging("pipe");
  gone.stderr?.destroy();
  await gone.log(FLOOD);
  await gone.end();
  if (process.platform !== "linux") return;
  const device = openSync("/dev/full", "w");
  const full = startLogging(device);
  closeSync(device);
  await full.log(FLOOD);
  await full.end();
});

test("a log that is read has every line, also the last before the end", async () => {
  const { stderr, log, end } = startLogging("pipe");
  const lines = createInterface(readable(stderr))[Symbol.asyncIterator]();
  await log(3);
  await end();
  for (const line of [1, 2, 3]) {
    expect(Line.parse(JSON.parse(String((await lines.next()).value)))).toEqual({ line });
  }
  expect((await lines.next()).done).toBe(true);
});
