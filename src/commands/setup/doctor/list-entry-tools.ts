import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { Readable, Writable } from "node:stream";
import {
  Client,
  type JSONRPCMessage,
  ReadBuffer,
  StreamableHTTPClientTransport,
  type Transport,
  serializeMessage,
} from "@modelcontextprotocol/client";
import { getDefaultEnvironment } from "@modelcontextprotocol/client/stdio";
import { z } from "zod";
import type { Proxies } from "../../../client/http/proxies.ts";
import { createWebFetch } from "../../../client/http/web-fetch.ts";
import { errorMessage } from "../../../text/error-message.ts";
import { createRedact } from "../../../text/redact.ts";
import { type ConfigObject, urlOf } from "../install/merge-entry.ts";
import type { StartedEntry } from "../install/server-entry.ts";

/** A server that exits when its stdin closes does so in less. */
const END_MS = 2_000;
/** Enough of stderr to show why a server ended. */
const STDERR_CHARS = 4_000;
/** Shorter values of variables are not secrets, and redacting them would damage other text. */
const SECRET_CHARS = 6;

const CLIENT_NAME = "task-run-mcp-doctor";

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Starts an entry as its client would, with the few variables that clients pass on, and lists its tools. Returns their
 * names; throws why there are none. Ends every process that it started.
 */
export async function listToolsOfStarted(
  { line, env }: StartedEntry,
  { version, signal }: { version: string; signal: AbortSignal },
): Promise<string[]> {
  const [command = "", ...args] = line;
  const child = spawn(command, args, {
    env: { ...getDefaultEnvironment(), ...env },
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
    // A process group, so that the processes of the command (npx starts some) end with it.
    detached: process.platform !== "win32",
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said = (said + chunk).slice(-STDERR_CHARS);
  });
  const client = new Client({ name: CLIENT_NAME, version });
  try {
    return await failWhenEnded(
      child,
      () => lastLine(said, env),
      async () => {
        return await listTools(client, new ChildTransport(child), signal);
      },
    );
  } finally {
    await client.close();
    await end(child);
  }
}

/** Runs `work`; rejects when the process cannot start, or ends before `work` is done. */
async function failWhenEnded<T>(
  child: Child,
  lastError: () => string,
  work: () => Promise<T>,
): Promise<T> {
  const ended = new Promise<never>((_resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, by) => {
      reject(new Error(`it ended with ${by ?? `code ${code}`}${lastError()}`));
    });
  });
  const working = work();
  // The other promise rejects as well, later, and must not cause an unhandled rejection.
  working.catch(() => {});
  ended.catch(() => {});
  return Promise.race([working, ended]).catch((error: unknown) => {
    // The pipes close before the process ends, and its exit code is more informative.
    const later = setTimeout(END_MS / 2, error, { ref: false });
    return Promise.race([
      ended,
      later.then((reason: unknown) => {
        throw reason;
      }),
    ]);
  });
}

async function end(child: Child): Promise<void> {
  if (child.pid === undefined) return;
  const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : null;
  child.stdin.on("error", () => {}).end();
  if (ended !== null) {
    for (const by of ["SIGTERM", "SIGKILL"] as const) {
      const waited = new AbortController();
      const { signal } = waited;
      const isLate = await Promise.race([
        ended.then(() => false),
        setTimeout(END_MS, true, { signal, ref: false }).catch(() => true),
      ]);
      waited.abort();
      if (!isLate) break;
      killAll(child, by);
    }
    await ended;
  }
  killAll(child, "SIGKILL");
  child.stdout.destroy();
  child.stderr.destroy();
}

function killAll({ pid }: Child, by: NodeJS.Signals): void {
  if (pid === undefined) return;
  if (process.platform === "win32") {
    spawnSync("taskkill", ["/pid", String(pid), "/T", "/F"], { windowsHide: true });
    return;
  }
  try {
    process.kill(-pid, by);
  } catch {
    // All processes have ended.
  }
}

/** The last line on stderr, without the values of the entry's variables. */
function lastLine(said: string, env: Record<string, string>): string {
  const line = said.trim().split("\n").at(-1) ?? "";
  const redact = createRedact(Object.values(env).filter((value) => value.length >= SECRET_CHARS));
  return line === "" ? "" : `: ${redact(line).slice(0, 300)}`;
}

/** MCP over the pipes of a running process. */
class ChildTransport implements Transport {
  onmessage?: (message: JSONRPCMessage) => void;
  onerror?: (error: Error) => void;
  onclose?: () => void;
  readonly #child: Child;
  readonly #buffer = new ReadBuffer();

  constructor(child: Child) {
    this.#child = child;
  }

  async start(): Promise<void> {
    const { stdin, stdout } = this.#child;
    stdin.on("error", (error) => this.onerror?.(error));
    stdout.on("data", (chunk: Buffer) => {
      this.#buffer.append(chunk);
      this.#readAll();
    });
    stdout.once("close", () => this.onclose?.());
  }

  #readAll(): void {
    for (;;) {
      try {
        const message = this.#buffer.readMessage();
        if (message === null) return;
        this.onmessage?.(message);
      } catch (error) {
        // Skip a line that is not a message.
        this.onerror?.(error instanceof Error ? error : new Error(errorMessage(error)));
      }
    }
  }

  async send(message: JSONRPCMessage): Promise<void> {
    this.#child.stdin.write(serializeMessage(message));
  }

  async close(): Promise<void> {
    this.#buffer.clear();
    this.onclose?.();
  }
}

const EntryHeaders = z.record(z.string(), z.string()).catch({});

/** Lists the tools of a server at a URL, with the headers of its entry. Returns their names; throws why there are none. */
export async function listToolsAt(
  entry: ConfigObject,
  { version, proxies, signal }: { version: string; proxies: Proxies; signal: AbortSignal },
): Promise<string[]> {
  const headers = EntryHeaders.parse(entry["headers"] ?? entry["http_headers"]);
  const fetch = createWebFetch(proxies);
  const transport = new StreamableHTTPClientTransport(new URL(urlOf(entry) ?? ""), {
    fetch: (url, init) => {
      const { method = "GET", body } = init ?? {};
      return fetch(String(url), {
        method,
        headers: { ...Object.fromEntries(new Headers(init?.headers)), ...headers },
        signal,
        ...(typeof body === "string" && { body }),
      });
    },
  });
  const client = new Client({ name: CLIENT_NAME, version });
  try {
    return await listTools(client, transport, signal);
  } finally {
    await client.close();
  }
}

async function listTools(
  client: Client,
  transport: Transport,
  signal: AbortSignal,
): Promise<string[]> {
  await client.connect(transport, { signal });
  if (client.getServerCapabilities()?.tools === undefined) return [];
  const { tools } = await client.listTools(undefined, { signal });
  return tools.map(({ name }) => name);
}
