import { randomUUID } from "node:crypto";
import {
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  type Tool,
} from "@modelcontextprotocol/client";
import type { Logger } from "pino";
import type { McpToolCall } from "../../task-api/output.ts";
import type { McpServerEntry } from "../../task-api/run-input.ts";
import type { RunWarning } from "../../task-api/run.ts";
import type { JsonObject } from "../../task-api/task-spec.ts";
import { cleanLine, cleanText } from "../../text/clean-text.ts";
import { cutPlace } from "../../text/cut-text.ts";
import { errorMessage } from "../../text/error-message.ts";
import { jsonText } from "../../text/json.ts";
import type { FetchFromRun } from "../outgoing/guarded-fetch.ts";
import { OutgoingRequestError } from "../outgoing/outgoing-errors.ts";
import { MAX_QUOTED_CHARS, MAX_RECORDED_CHARS, MCP_LIMITS, type McpLimits } from "./limits.ts";
import { connectMcpServer, type McpConnection } from "./mcp-connection.ts";
import { publicUrl, redactServer, type ServerRedaction } from "./server-secrets.ts";
import { readToolResult, type ToolText } from "./tool-result.ts";

/** A tool that the run may call. */
export interface RunTool {
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  inputSchema: JsonObject;
  /** Whether the tool declares that it changes or destroys something. */
  changesThings: boolean;
  /** Whether `allowed_tools` names it, which is its owner's consent to whatever it does. */
  isAllowedByName: boolean;
}

export interface ToolOutcome {
  /** The call as recorded in the output, with content or error. */
  record: McpToolCall;
  /** The complete result of the tool; empty after an error. */
  texts: ToolText[];
  warning: RunWarning | null;
}

/** One server of a run, connected. */
export interface RunMcpServer {
  name: string;
  /** The server's URL without credentials. */
  url: string;
  tools: readonly RunTool[];
  /** Does not throw for errors of the server; throws the reason of the run's signal. */
  call(tool: RunTool, args: JsonObject): Promise<ToolOutcome>;
}

/** The MCP servers of one run. Those that failed are warnings: they do not fail the run. */
export interface RunMcpServers {
  servers: readonly RunMcpServer[];
  warnings: readonly RunWarning[];
  close(): Promise<void>;
}

export interface RunMcpServersOptions {
  /** The guarded fetch: addresses come from the run. */
  fetch: FetchFromRun;
  /** Aborts when the run ends. */
  signal: AbortSignal;
  log: Logger;
  limits?: McpLimits;
}

/**
 * Connects to all servers of `mcp_servers` at the same time, and lists the tools that the run may call. Headers are
 * sent to their server and appear nowhere else. Throws only the reason of `signal`. Source: Task API, 4.7.
 */
export async function openRunMcpServers(
  entries: readonly McpServerEntry[],
  options: RunMcpServersOptions,
): Promise<RunMcpServers> {
  const opened = await Promise.all(entries.map((entry) => openServer(entry, options)));
  const connections = opened.flatMap(({ connection }) => connection ?? []);
  const close = async () => {
    await Promise.all(connections.map((connection) => connection.close()));
  };
  if (options.signal.aborted) await close();
  options.signal.throwIfAborted();
  return {
    servers: opened.flatMap(({ server }) => server ?? []),
    warnings: opened.flatMap(({ warnings }) => warnings),
    close,
  };
}

interface OpenedServer {
  connection: McpConnection | null;
  server: RunMcpServer | null;
  warnings: RunWarning[];
}

async function openServer(
  entry: McpServerEntry,
  options: RunMcpServersOptions,
): Promise<OpenedServer> {
  const { fetch, signal, log, limits = MCP_LIMITS } = options;
  const redact = redactServer(entry);
  const warn = (doing: string, error: unknown) => warnOfFailure(doing, error, entry, redact, log);
  let connection: McpConnection | null = null;
  try {
    connection = await connectMcpServer(entry, { fetch, signal, limits });
    const offered = await connection.listTools();
    const { tools, missing } = selectTools(offered, entry);
    const server = serveTools(connection, tools, { entry, redact, warn, signal });
    return { connection, server, warnings: warnOfMissing(server.name, missing) };
  } catch (error) {
    const warnings = signal.aborted ? [] : [warn("listing tools from MCP server", error)];
    return { connection, server: null, warnings };
  }
}

/** A null `allowed_tools` allows all. */
function selectTools(offered: readonly Tool[], { allowed_tools: allowed }: McpServerEntry) {
  if (allowed === null || allowed === undefined) return { tools: offered, missing: [] };
  const names = new Set(offered.map(({ name }) => name));
  return {
    tools: offered.filter(({ name }) => allowed.includes(name)),
    missing: allowed.filter((name) => !names.has(name)),
  };
}

function serveTools(
  connection: McpConnection,
  tools: readonly Tool[],
  {
    entry,
    redact,
    warn,
    signal,
  }: {
    entry: McpServerEntry;
    redact: ServerRedaction;
    warn(doing: string, error: unknown): RunWarning;
    signal: AbortSignal;
  },
): RunMcpServer {
  const serverName = quotable(entry.name);
  const definitions = new Map<RunTool, Tool>(
    tools.map((tool) => [describeTool(tool, entry, redact), tool]),
  );

  async function call(tool: RunTool, args: JsonObject): Promise<ToolOutcome> {
    const definition = definitions.get(tool);
    if (definition === undefined) throw new TypeError(`${tool.name} is not a tool of this server`);
    const record = {
      tool_call_id: `mcptool_${randomUUID()}`,
      server_name: entry.name,
      tool_name: tool.name,
      arguments: jsonText(args),
    };
    try {
      const result = await connection.callTool(definition, args);
      const texts = readToolResult(result, redact);
      const content = texts.map(({ text }) => text).join("\n\n");
      if (result.isError === true) throw new ToolFailed(content);
      return { record: { ...record, content: cut(content), error: null }, texts, warning: null };
    } catch (error) {
      signal.throwIfAborted();
      const warning = warn(`calling tool ${tool.name} of MCP server`, error);
      const reason = explainFailure(error, redact);
      return { record: { ...record, content: null, error: reason }, texts: [], warning };
    }
  }

  return { name: serverName, url: publicUrl(entry.url), tools: [...definitions.keys()], call };
}

/** The tool reported a failure; the message is the tool's. */
class ToolFailed extends Error {
  override readonly name = "ToolFailed";

  constructor(content: string) {
    super(content.trim() === "" ? "The tool failed without saying why" : content);
  }
}

function describeTool(
  tool: Tool,
  { allowed_tools: allowed }: McpServerEntry,
  redact: ServerRedaction,
): RunTool {
  const { readOnlyHint, destructiveHint } = tool.annotations ?? {};
  return {
    name: quotable(redact.inMessage(tool.name)),
    description: quotable(tool.description ?? ""),
    inputSchema: tool.inputSchema,
    changesThings: readOnlyHint === false || (readOnlyHint !== true && destructiveHint === true),
    isAllowedByName: allowed?.includes(tool.name) ?? false,
  };
}

/** Shortens a text to one line for a message. */
const quotable = (text: string) => cleanLine(text, MAX_QUOTED_CHARS);

function cut(content: string): string {
  if (content.length <= MAX_RECORDED_CHARS) return content;
  const kept = content.slice(0, cutPlace(content, MAX_RECORDED_CHARS));
  return `${kept}\n[cut: the first ${kept.length} of ${content.length} characters]`;
}

/** A warning in the form of the hosted API's, with header values replaced. Source: Task API, 4.7. */
function warnOfFailure(
  doing: string,
  error: unknown,
  entry: McpServerEntry,
  redact: ServerRedaction,
  log: Logger,
): RunWarning {
  const refId = randomUUID();
  const name = quotable(entry.name);
  const url = publicUrl(entry.url);
  const reason = explainFailure(error, redact);
  log.warn({ ref_id: refId, server: name, url, reason }, `failed ${doing}`);
  const headers = Object.fromEntries(
    Object.keys(entry.headers ?? {}).map((header) => [header, "REDACTED"]),
  );
  return {
    type: "warning",
    message: `Error ${doing} ${name}: ${reason}. Server details: Name: ${name}, URL: ${url}, Headers: ${JSON.stringify(headers)}. Reference ID: ${refId}`,
    detail: {},
  };
}

function warnOfMissing(server: string, names: readonly string[]): RunWarning[] {
  if (names.length === 0) return [];
  return [
    {
      type: "warning",
      message: `MCP server ${server} has no tool named ${names.map((name) => quotable(name)).join(", ")}; allowed_tools lists it.`,
      detail: {},
    },
  ];
}

/** Why a server could not be used, in words for the owner of the run, short and without secrets. */
function explainFailure(error: unknown, redact: ServerRedaction): string {
  const own = findOwnError(error);
  if (own !== null) return own.message;
  // Cleaned first, so that no invisible character splits a secret; cut last, so that no half of one is left.
  return cleanLine(redact.inMessage(cleanText(describe(error))), MAX_QUOTED_CHARS);
}

function describe(error: unknown): string {
  if (error instanceof SdkHttpError) {
    // The body may be a whole page, and the status is enough, except where a redirect was not followed.
    const status = [error.status, error.statusText].filter(Boolean).join(" ");
    const redirect = /Redirect .* not followed/.exec(error.message)?.[0];
    return redirect === undefined ? status : `${status}: ${redirect}`;
  }
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) {
    return "it did not answer in time";
  }
  if (error instanceof ProtocolError) return `${error.message} (code ${error.code})`;
  return errorMessage(error);
}

/** The error of the guarded fetch, which the library wraps: its message is clearer and holds no secrets. */
function findOwnError(error: unknown): OutgoingRequestError | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof OutgoingRequestError) return at;
  }
  return null;
}
