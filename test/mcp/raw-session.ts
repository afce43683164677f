import { PassThrough } from "node:stream";
import { createInterface } from "node:readline";
import { z } from "zod";
import { systemClock } from "../../src/runtime/clock.ts";
import type { Backend } from "../../src/mcp/runs/backend.ts";
import { type TaskRunServerDeps, createServerFactory } from "../../src/mcp/server.ts";
import { serveStdioTransport } from "../../src/transports/stdio/stdio.ts";
import { deferred, silentLog } from "../engine/start-test-engine.ts";
import { onFinished } from "../on-finished.ts";

const Answer = z.object({
  id: z.number(),
  result: z.record(z.string(), z.unknown()).optional(),
  error: z.unknown().optional(),
});

/** A session on the wire: what a server really sends, before any SDK has had a hand in it. */
export interface RawSession {
  /** Rejects with the protocol error, if that is the answer. */
  request(method: string, params?: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** Everything the server wrote, as it wrote it. */
  lines: string[];
  /** Sends a line as it is. */
  write(line: string): void;
}

/** Opens a session of the legacy era, as a client of `protocolVersion` does. */
export async function openRawSession(
  backend: () => Promise<Backend>,
  { protocolVersion, ...deps }: { protocolVersion: string } & Partial<TaskRunServerDeps>,
): Promise<RawSession & { opening: Record<string, unknown> }> {
  const factory = createServerFactory({
    backend,
    version: "0.0.0-test",
    log: silentLog,
    clock: systemClock,
    ...deps,
  });
  const input = new PassThrough();
  const output = new PassThrough();
  const server = serveStdioTransport(factory, {
    log: silentLog,
    onClosed: () => output.end(),
    input,
    output,
  });
  onFinished(() => server.close());
  const pending = new Map<number, ReturnType<typeof deferred<Record<string, unknown>>>>();
  const lines: string[] = [];
  createInterface({ input: output }).on("line", (line) => {
    lines.push(line);
    const answer = Answer.safeParse(JSON.parse(line));
    if (!answer.success) return;
    const { id, result, error } = answer.data;
    if (result === undefined) pending.get(id)?.reject(error);
    else pending.get(id)?.resolve(result);
  });
  let lastId = 0;
  const request: RawSession["request"] = (method, params = {}) => {
    const id = (lastId += 1);
    const answer = deferred<Record<string, unknown>>();
    pending.set(id, answer);
    input.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return answer.promise;
  };
  const opening = await request("initialize", {
    protocolVersion,
    capabilities: {},
    clientInfo: { name: "raw", version: "1" },
  });
  input.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`);
  return { opening, request, lines, write: (line) => input.write(`${line}\n`) };
}
