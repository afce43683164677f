import {
  CLIENT_CAPABILITIES_META_KEY,
  type CallToolResult,
  type McpServer,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { RunNotFound } from "../../client/errors.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import type { Backend } from "../runs/backend.ts";
import type { AnswerForm } from "../../task-api/answer.ts";
import { isJsonObject } from "../../task-api/task-spec.ts";
import { explainError } from "../calls/explain-error.ts";
import { callFor, isGroupId, oneLine, shownJson, wrapUntrusted } from "../report/text.ts";
import { RunReport } from "../report/run-report.ts";
import type { CallContext, OpenCall } from "../runs/call-context.ts";
import { AnswerNotAccepted } from "../runs/answer-errors.ts";
import { readAnswerForm } from "../runs/read-answer-form.ts";
import { readRun } from "../runs/read-run.ts";
import { submitAnswer } from "../runs/submit-answer.ts";
import { TASKS_EXTENSION } from "./capabilities.ts";
import { toProtocolError } from "./protocol-error.ts";
import type { TraceWork } from "../calls/trace-request.ts";
import { cancelTaskRun } from "../tools/cancel-task-run.ts";

/** The longest wait of `tasks/get` for an active run: within it, the replay of its steps arrives. */
const WAIT_SECONDS = 1;
/** Polls per usual time of a run: long runs are polled every few seconds, short ones more often. */
const POLLS_PER_USUAL_TIME = 20;
const POLL_MS = { min: 1_000, max: 15_000, unknown: 2_000 } as const;
/** A sentence. */
const MESSAGE_BUDGET = 200;

const TaskId = z.looseObject({ taskId: z.string() });

const Capabilities = z.looseObject({
  extensions: z.record(z.string(), z.unknown()).catch({}),
  elicitation: z.unknown().optional(),
});

function capabilitiesOf({ envelope }: ServerContext["mcpReq"]) {
  const declared = Object.entries(envelope ?? {}).find(
    ([key]) => key === CLIENT_CAPABILITIES_META_KEY,
  );
  return Capabilities.safeParse(declared?.[1]).data;
}

/** Whether the client accepts a task as the answer; no client before 2026-07-28 does. */
export function declaresTasks(request: ServerContext["mcpReq"]): boolean {
  return Object.hasOwn(capabilitiesOf(request)?.extensions ?? {}, TASKS_EXTENSION);
}

/** Whether the client can be asked for input. */
function declaresElicitation(request: ServerContext["mcpReq"]): boolean {
  return capabilitiesOf(request)?.elicitation !== undefined;
}

/** The result of `create_task_run` as a task; unchanged when it has no active run. */
export function asTask(result: CallToolResult): CallToolResult {
  const read = RunReport.safeParse(result.structuredContent);
  if (result.isError === true || !read.success) return result;
  const { run_id: taskId, is_active, status, usual_seconds, created_at } = read.data;
  if (taskId === undefined || is_active !== true) return result;
  const now = new Date().toISOString();
  return {
    resultType: "task",
    taskId,
    status: "working",
    ...(status !== undefined && { statusMessage: status }),
    createdAt: created_at ?? now,
    lastUpdatedAt: created_at ?? now,
    ttlMs: null,
    pollIntervalMs: pollIntervalMs(usual_seconds),
    content: [],
    // The SDK checks this result against the output schema of the tool.
    structuredContent: result.structuredContent,
  };
}

export interface TaskServices {
  contextOf(request: ServerContext): CallContext;
  trace: TraceWork;
  /** Calls `get_task_run`. */
  getTaskRun(args: object, request: ServerContext): Promise<CallToolResult>;
}

/**
 * Registers `tasks/get`, `tasks/update` and `tasks/cancel`. A run that asks for its answer is `input_required` for a
 * client that can be asked, and an update brings the answer.
 */
export function registerTasks(
  { server }: McpServer,
  { contextOf, trace, getTaskRun }: TaskServices,
): void {
  server.setRequestHandler("tasks/get", { params: TaskId }, ({ taskId }, request) =>
    answer(taskId, request, async (call) => {
      const { seen } = await readRun(taskId, { waitSeconds: WAIT_SECONDS, orLedger: true }, call);
      const task = taskOf(seen, call.backend);
      const form = declaresElicitation(request.mcpReq) ? await readAnswerForm(seen, call) : null;
      if (form !== null) {
        const inputRequests = { [inputKey(form)]: askForAnswer(form) };
        return { resultType: "complete", ...task, status: "input_required", inputRequests };
      }
      if (task.status !== "completed") return { resultType: "complete", ...task };
      const result = await getTaskRun({ run_id: taskId, wait_seconds: 0 }, request);
      return { resultType: "complete", ...task, result };
    }),
  );
  server.setRequestHandler("tasks/update", { params: TaskId }, ({ taskId }, request) =>
    answer(taskId, request, async (call) => {
      const { seen } = await readRun(taskId, { orLedger: true }, call);
      const form = await readAnswerForm(seen, call);
      // Responses to what is not asked (any more) are ignored (SEP-2663).
      const response = form && request.mcpReq.inputResponses?.[inputKey(form)];
      if (response) await submitResponse(taskId, response, call);
      return { resultType: "complete" };
    }),
  );
  server.setRequestHandler("tasks/cancel", { params: TaskId }, ({ taskId }, request) =>
    answer(taskId, request, async (call) => {
      const { outcome } = await cancelTaskRun.run({ run_id: taskId }, call);
      if (outcome === "not_found") throw new RunNotFound(taskId);
      // The acknowledgement is empty even when nothing can be cancelled; the next `tasks/get` has the status.
      return { resultType: "complete" };
    }),
  );

  async function answer<Result extends object>(
    taskId: string,
    request: ServerContext,
    work: (call: OpenCall) => Promise<Result>,
  ): Promise<Result> {
    if (!declaresTasks(request.mcpReq)) {
      throw new MissingRequiredClientCapabilityError({
        requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } },
      });
    }
    const context = contextOf(request);
    try {
      return await trace(request, async () => work(await context.open()));
    } catch (error) {
      if (error instanceof RunNotFound) {
        const id = oneLine(taskId, 100);
        const hint = isGroupId(id) ? ` It is a task group: call ${callFor(id)}.` : "";
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no task ${id}.${hint}`);
      }
      throw toProtocolError(error, taskId, context.log());
    }
  }
}

/** Names what is asked: after a refused answer or a further search another question is asked. */
function inputKey({ tries_left, queries_left }: AnswerForm): string {
  return `answer-${tries_left}-${queries_left}`;
}

/** The form of an elicitation is flat, so an object and the citations are JSON texts in it (MCP: Elicitation). */
function askForAnswer(form: AnswerForm) {
  const { question, output_schema: schema, rules, passages } = form;
  const evidence = passages.map(({ id, title, text }) => `[${id}] ${title}\n${text}`);
  return {
    method: "elicitation/create",
    params: {
      mode: "form",
      message: [question, ...rules, wrapUntrusted(evidence.join("\n\n"), "the run")].join("\n\n"),
      requestedSchema: {
        type: "object",
        properties: {
          output: {
            type: "string",
            description:
              schema === null ? "The answer." : `JSON that follows the schema ${shownJson(schema)}`,
          },
          citations: {
            type: "string",
            description:
              'JSON, by field (output for a text): passage ids or copied quotes, such as {"output":["p1.4"]}.',
          },
        },
        required: ["output", "citations"],
      },
    },
  };
}

const Accepted = z.object({
  action: z.literal("accept"),
  content: z.object({
    output: z.string(),
    citations: z
      .string()
      .transform((text, context) => {
        try {
          const parsed: unknown = JSON.parse(text);
          return parsed;
        } catch {
          context.addIssue("write JSON");
          return z.NEVER;
        }
      })
      .pipe(z.record(z.string(), z.array(z.string()))),
  }),
});

/** A declined request leaves the run waiting; a wrong answer is an error that says what to mend. */
async function submitResponse(runId: string, response: unknown, call: OpenCall): Promise<void> {
  if (!isJsonObject(response) || response["action"] !== "accept") return;
  const read = Accepted.safeParse(response);
  if (!read.success) {
    const problems = read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, problems.join("; "));
  }
  try {
    await submitAnswer(runId, read.data.content, call);
  } catch (error) {
    if (!(error instanceof AnswerNotAccepted)) throw error;
    const { summary, nextStep } = explainError(error, { tool: "tasks/update", args: {} });
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `${summary}\n${nextStep}`);
  }
}

/** A failed run is a completed task: its result is the report of the failure. */
function taskOf({ run, percent, latestMessage }: RunSnapshot, { prices }: Backend) {
  const now = new Date().toISOString();
  const status = taskStatus(run.status, run.is_active);
  const meter = run.is_active && percent > 0 ? `, ${Math.round(percent)}%` : "";
  const step = run.is_active && latestMessage !== null ? `: ${latestMessage}` : "";
  return {
    taskId: run.run_id,
    status,
    statusMessage: oneLine(`${run.status}${meter}${step}`, MESSAGE_BUDGET),
    createdAt: run.created_at ?? now,
    lastUpdatedAt: run.modified_at ?? run.created_at ?? now,
    ttlMs: null,
    pollIntervalMs: pollIntervalMs(prices.usualSeconds(run.processor)),
  };
}

function taskStatus(status: string, isActive: boolean): "working" | "completed" | "cancelled" {
  if (status === "cancelled") return "cancelled";
  // The run may continue after an answer from elsewhere, when the client of this task cannot give it.
  return isActive || status === "action_required" ? "working" : "completed";
}

function pollIntervalMs(usual: { from: number } | undefined): number {
  if (usual === undefined) return POLL_MS.unknown;
  const ms = Math.round((usual.from * 1_000) / POLLS_PER_USUAL_TIME);
  return Math.min(Math.max(ms, POLL_MS.min), POLL_MS.max);
}
