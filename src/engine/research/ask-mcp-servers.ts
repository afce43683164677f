import { randomUUID } from "node:crypto";
import type { RunMcpServer, RunMcpServers, ToolOutcome } from "../mcp-servers/run-mcp-servers.ts";
import type { McpToolCall } from "../../task-api/output.ts";
import type { McpServerEntry, RunInput } from "../../task-api/run-input.ts";
import type { RunWarning } from "../../task-api/run.ts";
import type { JsonObject } from "../../task-api/task-spec.ts";
import { cutPlace } from "../../text/cut-text.ts";
import { jsonText } from "../../text/json.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type Deadline, startDeadline } from "../../runtime/deadline.ts";
import { isAllowedSource } from "../sources/source-policy-filter.ts";
import type { FoundDocument } from "./found-documents.ts";
import { pickSearchTool, type SearchTool } from "./pick-search-tool.ts";
import type { ReadingProgress } from "./reading-progress.ts";
import { readToolTexts } from "./read-tool-texts.ts";

/** Connects to the MCP servers of a run; the caller closes them. */
export type OpenMcpServers = (
  entries: readonly McpServerEntry[],
  signal: AbortSignal,
) => Promise<RunMcpServers>;

/** The results of the run's MCP servers. */
export interface McpFindings {
  documents: FoundDocument[];
  calls: McpToolCall[];
  warnings: RunWarning[];
}

/**
 * Calls one search-like tool of each server once, all at the same time. A server that fails, has no such tool, or does
 * not answer within `waitSeconds` causes a warning. Without `open` no server is called, and a warning says so.
 */
export async function askMcpServers({
  input,
  question,
  open,
  signal,
  waitSeconds,
  clock,
  progress,
}: {
  input: RunInput;
  question: string;
  open: OpenMcpServers | undefined;
  signal: AbortSignal;
  waitSeconds: number;
  clock: Clock;
  progress: ReadingProgress;
}): Promise<McpFindings> {
  const entries = input.mcp_servers ?? [];
  if (entries.length === 0) return { documents: [], calls: [], warnings: [] };
  if (open === undefined) return { documents: [], calls: [], warnings: [NOT_USED] };

  await progress.report("exec_status", `Connecting to ${entries.length} MCP server(s)`);
  const time = startDeadline({ clock, ms: waitSeconds * 1_000, signal });
  const opened = await openInTime(entries, open, time, waitSeconds);
  try {
    const findings: McpFindings = { documents: [], calls: [], warnings: [...opened.warnings] };
    const asked: { server: RunMcpServer; search: SearchTool }[] = [];
    for (const server of opened.servers) {
      const search = pickSearchTool(server.tools);
      if (search === null) {
        findings.warnings.push(warnOfNoTool(server));
        continue;
      }
      asked.push({ server, search });
      await progress.report(
        "tool_call",
        `Executing MCP tool call on server ${server.name} with tool ${search.tool.name}.`,
      );
    }
    const outcomes = await Promise.all(
      asked.map(async ({ server, search }) => {
        const args = { [search.argument]: shorten(question, search.maxChars) };
        return {
          server,
          search,
          outcome: await callInTime(server, search, args, time, waitSeconds),
        };
      }),
    );
    signal.throwIfAborted();
    for (const { server, search, outcome } of outcomes) {
      const { documents, warnings } = readOutcome(outcome, server, search, question, input);
      findings.calls.push(outcome.record);
      findings.documents.push(...documents);
      findings.warnings.push(...warnings);
    }
    return findings;
  } finally {
    await opened.close();
    time.clear();
  }
}

/** If the time is over before every server has connected, no server is called. */
async function openInTime(
  entries: readonly McpServerEntry[],
  open: OpenMcpServers,
  time: Deadline,
  waitSeconds: number,
): Promise<RunMcpServers> {
  try {
    return await open(entries, time.signal);
  } catch (error) {
    if (!time.hasPassed()) throw error;
    const message = `MCP servers were not asked: connecting to them took longer than ${describeTime(waitSeconds)}.`;
    const warnings: RunWarning[] = [{ type: "warning", message, detail: {} }];
    return { servers: [], warnings, close: async () => {} };
  }
}

/** A slow server must not cost the answers of the others: its time-out is a warning. */
async function callInTime(
  server: RunMcpServer,
  { tool }: SearchTool,
  args: JsonObject,
  time: Deadline,
  waitSeconds: number,
): Promise<ToolOutcome> {
  try {
    return await server.call(tool, args);
  } catch (error) {
    if (!time.hasPassed()) throw error;
    const reason = `no answer within ${describeTime(waitSeconds)}`;
    const record = {
      tool_call_id: `mcptool_${randomUUID()}`,
      server_name: server.name,
      tool_name: tool.name,
      arguments: jsonText(args),
      content: null,
      error: reason,
    };
    const message = `MCP server ${server.name} was not used: ${reason}.`;
    return { record, texts: [], warning: { type: "warning", message, detail: {} } };
  }
}

function describeTime(waitSeconds: number): string {
  return `the ${waitSeconds} s that this processor waits for MCP servers`;
}

function readOutcome(
  { texts, warning }: ToolOutcome,
  server: RunMcpServer,
  { tool }: SearchTool,
  question: string,
  { source_policy: policy }: RunInput,
): { documents: FoundDocument[]; warnings: RunWarning[] } {
  if (warning !== null) return { documents: [], warnings: [warning] };
  const source = { title: `${server.name} · ${tool.name}`, url: server.url, question };
  const found = readToolTexts(texts, source);
  const documents = found.filter((document) => isAllowedSource(document, policy));
  if (documents.length > 0 || found.length === 0) return { documents, warnings: [] };
  const message = `source_policy admits nothing of what MCP server ${server.name} returned; it was not used.`;
  return { documents, warnings: [{ type: "warning", message, detail: {} }] };
}

const NOT_USED: RunWarning = {
  type: "warning",
  message: "mcp_servers were not used: this engine is set up without connections to MCP servers.",
  detail: {},
};

function warnOfNoTool({ name, tools }: RunMcpServer): RunWarning {
  const offered =
    tools.length === 0
      ? "none"
      : tools
          .map((tool) => tool.name)
          .slice(0, 10)
          .join(", ");
  return {
    type: "warning",
    message: `MCP server ${name} was not asked: without a model, only a search-like tool with one text argument can be called, and one that changes things only when allowed_tools names it. Its tools: ${offered}.`,
    detail: {},
  };
}

/** Cuts at a space if there is one, and never inside a character. */
function shorten(question: string, maxChars: number): string {
  if (question.length <= maxChars) return question;
  const cut = question.slice(0, cutPlace(question, maxChars));
  const space = cut.lastIndexOf(" ");
  return space > 0 ? cut.slice(0, space) : cut;
}
