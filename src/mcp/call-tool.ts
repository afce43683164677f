import type { CallToolResult, ServerContext } from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import { type JsonObject, isJsonObject } from "../task-api/task-spec.ts";
import { InvalidArguments, argumentProblems } from "./argument-problems.ts";
import { explainError, isExpected } from "./explain-error.ts";
import type { Explanation } from "./explanation.ts";
import { fence } from "./fence.ts";
import { oneLine } from "./reading/page-text.ts";
import {
  type ProgressReporter,
  type ProgressSubject,
  createProgressReporter,
  silentProgress,
} from "./progress.ts";
import { readJsonText } from "./read-json-text.ts";
import { reportText } from "./report-text.ts";
import type { RunReport } from "./run-report.ts";
import type { Tool, ToolContext } from "./tool.ts";
import { type WaitPolicy, waitLimitsOf } from "./wait-policy.ts";

/** Names of arguments nobody asked for, as many as a report needs to make the point. */
const IGNORED_SHOWN = 10;
const IGNORED_NAME_BUDGET = 60;

export interface ToolServices extends Omit<
  ToolContext,
  "callerLeft" | "log" | "startProgress" | "waits"
> {
  log: Logger;
  waitPolicy: WaitPolicy;
  /** What the transport calls the request in its own log; undefined where there is no such thing. */
  requestId: string | undefined;
}

/** What a call brings besides its arguments. */
export interface IncomingCall extends Pick<ServerContext, "mcpReq"> {
  /** What the client calls itself. */
  clientName: string | undefined;
}

/**
 * Carries out one call: reads the arguments, runs the tool, and turns what it returns or throws into an MCP result. The
 * only place that builds one.
 */
export async function callTool(
  tool: Tool,
  shownInput: JsonObject,
  rawArguments: unknown,
  services: ToolServices,
  { mcpReq, clientName }: IncomingCall,
): Promise<CallToolResult> {
  const given = givenArguments(rawArguments, shownInput);
  const log = logOf(tool, services);
  try {
    const parsed = tool.input.safeParse(given);
    if (!parsed.success) throw new InvalidArguments(argumentProblems(parsed.error));
    const context: ToolContext = {
      ...services,
      log,
      waits: waitLimitsOf(services.waitPolicy, clientName),
      callerLeft: mcpReq.signal,
      startProgress: (subject) => startProgress(subject, services, mcpReq),
    };
    const report = await tool.run(parsed.data, context);
    return reportResult({ ...report, ...ignoredArguments(given, tool) });
  } catch (error) {
    // Nobody reads the result of a call that was given up (MCP: Cancellation).
    if (mcpReq.signal.aborted) log().debug("the caller left");
    else if (isExpected(error)) {
      log().info({ error: error.name, reason: error.message }, "call failed");
    } else log().error({ err: error }, "call failed");
    return errorResult(explainError(error, { tool: tool.name, args: idArguments(given) }));
  }
}

/** The log of one call. Made when there is something to log, which most calls have not. */
function logOf({ name: tool }: Tool, { log, requestId }: ToolServices): () => Logger {
  let made: Logger | undefined;
  return () =>
    (made ??= log.child(requestId === undefined ? { tool } : { request_id: requestId, tool }));
}

function reportResult(report: RunReport): CallToolResult {
  return {
    content: reportText(report).map((text) => ({ type: "text", text })),
    structuredContent: report,
  };
}

/** Without structured content: it would have to be a run report, and there is none. */
function errorResult({ summary, nextStep, upstream }: Explanation): CallToolResult {
  const texts = [`Error: ${summary}\nNext: ${nextStep}`];
  if (upstream !== null) texts.push(fence(upstream));
  return { content: texts.map((text) => ({ type: "text", text })), isError: true };
}

/** The arguments as objects, without those that are null: that is how many models say "not set". */
function givenArguments(rawArguments: unknown, shownInput: JsonObject): JsonObject {
  const read = readJsonText(rawArguments ?? {}, shownInput);
  if (!isJsonObject(read)) return {};
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== null));
}

/** Some clients add arguments of their own to every call. They do no harm, and a misspelled one should be noticed. */
function ignoredArguments(
  given: JsonObject,
  { input }: Tool,
): Pick<RunReport, "ignored_arguments"> {
  const names = Object.keys(given).filter((name) => !Object.hasOwn(input.shape, name));
  if (names.length === 0) return {};
  const shown = names.slice(0, IGNORED_SHOWN).map((name) => oneLine(name, IGNORED_NAME_BUDGET));
  return { ignored_arguments: shown };
}

/** What of the arguments a suggested next call repeats. */
function idArguments(given: JsonObject): JsonObject {
  const ids: JsonObject = {};
  for (const name of ["run_id", "taskgroup_id"]) {
    const id = given[name];
    if (typeof id === "string") ids[name] = oneLine(id, 100);
  }
  return ids;
}

function startProgress(
  subject: ProgressSubject,
  { clock, log }: ToolServices,
  mcpReq: ServerContext["mcpReq"],
): ProgressReporter {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return silentProgress;
  return createProgressReporter({
    subject,
    clock,
    log,
    send: (progress) =>
      mcpReq.notify({ method: "notifications/progress", params: { progressToken, ...progress } }),
  });
}
