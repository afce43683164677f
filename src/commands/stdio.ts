import type { Logger } from "pino";
import { z } from "zod";
import { createGreeting } from "../mcp/greeting.ts";
import { greetStdio } from "../transports/stdio-greeting.ts";
import { ExitCode } from "./exit-code.ts";
import type { StdioServer } from "./serve-stdio.ts";

/**
 * `task-run-mcp` without a command: the MCP server over stdio, until the client leaves or `signal` aborts. What a host
 * waits for at its start is answered before the rest of the server is loaded.
 */
export async function stdioCommand({
  openLog,
  ...options
}: Omit<StdioServer, "log" | "answeredId"> & {
  openLog: () => Promise<Logger>;
}): Promise<ExitCode> {
  // A parser is compiled for each schema with its first use, and a host waits for the first answer; later ones are few.
  z.config({ jitless: true });
  const { bridge, version, input, output, signal } = options;
  const greeting = createGreeting({ ...bridge, version });
  const answeredId = await greetStdio({ input, output, greeting, signal });
  const { serveStdio } = await import("./serve-stdio.ts");
  await serveStdio({ ...options, log: await openLog(), answeredId });
  return ExitCode.done;
}
