import type { Logger } from "pino";
import { z } from "zod";
import { createHandshakeResponder } from "../../mcp/fast-start/handshake.ts";
import { answerHandshake } from "../../transports/stdio/handshake.ts";
import { ExitCode } from "../exit-code.ts";
import type { StdioServer } from "./serve-stdio.ts";

/**
 * `task-run-mcp stdio`: the MCP server over stdio, until the client disconnects or `signal` aborts. Answers the handshake,
 * which a host waits for, before the rest of the server is loaded.
 */
export async function stdioCommand({
  openLog,
  ...options
}: Omit<StdioServer, "log" | "answeredId"> & {
  openLog: () => Promise<Logger>;
}): Promise<ExitCode> {
  // zod would compile a parser at the first use of each schema, which delays the first answer; later uses are few.
  z.config({ jitless: true });
  const { bridge, version, input, output, signal } = options;
  const reply = createHandshakeResponder({ ...bridge, version });
  const answeredId = await answerHandshake({ input, output, reply, signal });
  const { serveStdio } = await import("./serve-stdio.ts");
  await serveStdio({ ...options, log: await openLog(), answeredId });
  return ExitCode.done;
}

/** The output of `task-run-mcp` without a command on a terminal. */
export function introduction(version: string): string {
  return `task-run-mcp ${version}: an MCP server that starts research task runs for AI agents and returns cited answers.

An MCP client starts the server itself, so nothing is served on this terminal. Commands for you:

  task-run-mcp install          add it to a client's configuration
  task-run-mcp run "question"   ask a question and see the answer
  task-run-mcp runs             list the runs that agents started
  task-run-mcp doctor           check the installation
  task-run-mcp http             serve many agents over HTTP
  task-run-mcp stdio            serve one client here, over stdin and stdout
  task-run-mcp help             list every command
`;
}
