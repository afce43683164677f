import type { CallToolResult } from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import type { JsonObject } from "../../task-api/task-spec.ts";
import {
  type ArgumentProblem,
  InvalidArguments,
  argumentProblems,
} from "../arguments/argument-problems.ts";
import { isLongNumber } from "../../text/json.ts";
import { type Explanation, explainError, isExpected } from "./explain-error.ts";
import { wrapUntrusted, oneLine } from "../report/text.ts";
import { type CallServices, createCallContext } from "../runs/call-context.ts";
import { type ProgressReporter, createProgressReporter, silentProgress } from "../runs/progress.ts";
import { type ReadArguments, readArguments, unknownText } from "../arguments/read-arguments.ts";
import { reportText } from "../report/report-text.ts";
import type { RunReport } from "../report/run-report.ts";
import type { Tool } from "../tool.ts";
import { TOOLS } from "../tools.ts";

/** Names of unknown arguments, as many as a report needs to make the point. */
const IGNORED_SHOWN = 10;
const IGNORED_NAME_BUDGET = 60;

export interface ToolServices extends CallServices {
  log: Logger;
  /** The id of the request in the transport's own log; undefined where it has none. */
  requestId: string | undefined;
}

/** The context of a call, besides its arguments. It has no types of the SDK, so that any transport can create one. */
export interface IncomingCall {
  /** Aborts when the caller gives up. */
  signal: AbortSignal;
  /** Undefined: the caller wants no progress. */
  progressToken: string | number | undefined;
  /** Sends a notification that belongs to this call. */
  notify(notification: {
    method: "notifications/progress";
    params: Record<string, unknown>;
  }): Promise<void>;
  /** The name that the client reports. */
  clientName: string | undefined;
}

/** Runs the listed tool of that name. Loaded with the first call, and with it everything that tools need. */
export function dispatchCall(
  name: string,
  args: unknown,
  services: ToolServices,
  call: IncomingCall,
): Promise<CallToolResult> {
  const tool = TOOLS.find((one) => one.name === name);
  if (tool === undefined) throw new Error(`There is no tool ${name}`);
  return runToolCall(tool, args, services, call);
}

/**
 * Reads the arguments, runs the tool, and turns its result or error into an MCP result. MCP results are built only
 * here.
 */
async function runToolCall(
  tool: Tool,
  rawArguments: unknown,
  services: ToolServices,
  call: IncomingCall,
): Promise<CallToolResult> {
  const { signal, clientName } = call;
  const read = readArguments(rawArguments ?? {}, tool.input, tool);
  const log = logOf(tool, services);
  try {
    const args = checkArguments(read, tool);
    const context = createCallContext(services, {
      signal,
      clientName,
      log,
      startProgress: (subject) => startProgress(subject, services, call),
    });
    const report = await tool.run(args, context);
    return reportResult(withLongNumbers(withIgnored(report, read), args));
  } catch (error) {
    // The result of a cancelled call is not read (MCP: Cancellation).
    if (signal.aborted) log().debug("the caller left");
    else if (isExpected(error)) {
      log().info({ error: error.name, reason: error.message }, "call failed");
    } else log().error({ err: error }, "call failed");
    return errorResult(explainError(error, { tool: tool.name, args: namedArguments(read.args) }));
  }
}

/** The log of one call, made on first use: most calls log nothing. */
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

/** Without structured content, which would have to be a run report. */
function errorResult({ summary, nextStep, upstream }: Explanation): CallToolResult {
  const texts = [`Error: ${summary}\nNext: ${nextStep}`];
  if (upstream !== null) texts.push(wrapUntrusted(upstream.text, upstream.from));
  return { content: texts.map((text) => ({ type: "text", text })), isError: true };
}

/**
 * Parses the arguments. If the call changes something, an unknown name similar to a known one is an error, because
 * ignoring it would ignore what the caller wants. Throws `InvalidArguments` with every problem.
 */
function checkArguments(
  { args, unknown, problems }: ReadArguments,
  { input, hints }: Tool,
): Record<string, unknown> {
  const parsed = input.safeParse(args);
  const isRefused =
    problems.length > 0 || (unknown.some(({ meant }) => meant !== null) && !hints.readOnly);
  if (parsed.success && !isRefused) return parsed.data;
  const wrong = parsed.success ? [] : argumentProblems(parsed.error);
  // A missing argument may be there under a name that resembles none.
  const isMissing =
    !parsed.success &&
    parsed.error.issues.some(({ path: [name] }) => args[String(name)] === undefined);
  const strange: ArgumentProblem[] = unknown.flatMap(({ name, meant }) =>
    meant === null && !isMissing ? [] : [{ argument: shownName(name), fix: unknownText(meant) }],
  );
  throw new InvalidArguments([...problems, ...strange.slice(0, IGNORED_SHOWN), ...wrong]);
}

/** Some clients add arguments of their own to every call. They do no harm; the report names them. */
function withIgnored(report: RunReport, { unknown }: ReadArguments): RunReport {
  if (unknown.length === 0) return report;
  const names = unknown
    .slice(0, IGNORED_SHOWN)
    .map(({ name, meant }) =>
      meant === null ? shownName(name) : `${shownName(name)} (did you mean ${meant}?)`,
    );
  return { ...report, summary: `${report.summary} Ignored: ${names.join(", ")}.` };
}

function shownName(name: string): string {
  return oneLine(name, IGNORED_NAME_BUDGET);
}

/** Enough to see which; the rest are their neighbours. */
const LONG_NUMBERS_SHOWN = 5;

/** Names the places, in the request and in the answer, whose numbers are text because no double holds them. */
function withLongNumbers(report: RunReport, given: Record<string, unknown>): RunReport {
  const { output, runs, basis, request } = report;
  const { input, inputs, metadata } = request === undefined ? given : {};
  const all = { input, inputs, metadata, request, output, runs, basis };
  const places = longNumbers(all);
  // A page of JSON, in which places have no names.
  if (report.output_type === "json" && typeof output === "string") {
    if ((output.match(/"[^"\n]{2,50}"/g) ?? []).some((text) => isLongNumber(text.slice(1, -1)))) {
      places.push("output");
    }
  }
  if (places.length === 0) return report;
  const shown = places.slice(0, LONG_NUMBERS_SHOWN).map((place) => oneLine(place, 100));
  const more = places.length > shown.length ? [`and ${places.length - shown.length} more`] : [];
  const note = `Values with more digits than a number can keep are given as text, with all their digits: ${[...shown, ...more].join(", ")}.`;
  return { ...report, notes: [...(report.notes ?? []), note] };
}

/** The paths of long numbers inside a value; without recursion, because inputs may be nested to any depth. */
function longNumbers(root: JsonObject): string[] {
  const places: string[] = [];
  const pending: { inside: object; place: string }[] = [];
  const visit = (member: unknown, place: string) => {
    if (typeof member === "object" && member !== null) pending.push({ inside: member, place });
    else if (typeof member === "string" && place.includes(".") && isLongNumber(member)) {
      places.push(place);
    }
  };
  for (const [name, member] of Object.entries(root)) visit(member, name);
  for (const { inside, place } of pending) {
    for (const [name, member] of Object.entries(inside)) visit(member, `${place}.${name}`);
  }
  return places;
}

/** The arguments that the explanation of an error names. */
function namedArguments(given: JsonObject): JsonObject {
  const ids: JsonObject = {};
  for (const name of ["run_id", "taskgroup_id", "processor"]) {
    const id = given[name];
    if (typeof id === "string") ids[name] = oneLine(id, 100);
  }
  return ids;
}

function startProgress(
  subject: string,
  { clock, log }: ToolServices,
  { progressToken, notify }: IncomingCall,
): ProgressReporter {
  if (progressToken === undefined) return silentProgress;
  return createProgressReporter({
    subject,
    clock,
    log,
    send: (progress) =>
      notify({ method: "notifications/progress", params: { progressToken, ...progress } }),
  });
}
