import type { Logger } from "pino";
import { z } from "zod";
import { createHandshakeResponder } from "../../mcp/fast-start/handshake.ts";
import { answerHandshake } from "../../transports/stdio/handshake.ts";
import { ExitCode } from "../exit-code.ts";
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
  const reply = createHandshakeResponder({ ...bridge, version });
  const answeredId = await answerHandshake({ input, output, reply, signal });
  const { serveStdio } = await import("./serve-stdio.ts");
  await serveStdio({ ...options, log: await openLog(), answeredId });
  return ExitCode.done;
}

/** What `task-run-mcp` says when a person starts it alone, on a terminal. */
export function introduction(version: string): string {
  return `task-run-mcp ${version}: an MCP server that starts research task runs for AI agents and returns cited answers.

An agent's client starts it by itself, and nothing is served on this terminal. Here you can:

  task-run-mcp install          put it into a client's configuration
  task-run-mcp run "question"   ask a question and see the answer
  task-run-mcp runs             list the runs that agents started
  task-run-mcp doctor           check everything the server needs
  task-run-mcp http             serve many agents over HTTP
  task-run-mcp stdio            serve one client here, over stdin and stdout
  task-run-mcp help             list every command
`;
}
