import {
  McpServer,
  type McpServerFactory,
  MissingRequiredClientCapabilityError,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { systemClock } from "../../src/runtime/clock.ts";
import {
  ActionRequired,
  type Attempt,
  ExecutionFailed,
} from "../../src/engine/executors/executor.ts";
import { createServerFactory } from "../../src/mcp/server.ts";
import { TASKS_EXTENSION } from "../../src/mcp/protocol/capabilities.ts";
import { asTask, declaresTasks } from "../../src/mcp/protocol/tasks-extension.ts";
import { silentLog, startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOn } from "../mcp/connect.ts";

const Work = z.object({
  seconds: z.number().default(1),
  fails: z.boolean().default(false),
  asks: z.boolean().default(false),
});

/** A run that takes as long as it is told, or asks for its answer as those of the host executor do. */
async function execute({ input, signal }: Attempt) {
  const { seconds, fails, asks } = Work.parse(input.input);
  if (asks) {
    throw new ActionRequired("Confirm it.", { deadlineSeconds: 60, takesAnswer: true });
  }
  await systemClock.sleep(seconds * 1_000, signal);
  if (fails) throw new ExecutionFailed("The job failed.");
  return textResult(`Computed for ${seconds} s.`);
}

/**
 * Our own server on a real engine, with tools under the names that the suite's tasks scenarios call. Their tasks are
 * runs, and `tasks/get` and `tasks/cancel` are the ones that are shipped.
 */
export async function createTaskFixtures(): Promise<McpServerFactory> {
  const backend = await backendOn(await startTestEngine(execute));
  const create = createServerFactory({
    backend: async () => backend,
    version: "1",
    log: silentLog,
    clock: systemClock,
  });

  async function start(work: z.input<typeof Work>, { mcpReq }: ServerContext) {
    const { run_id, created_at } = await backend.client.createRun({
      input: work,
      processor: "base",
    });
    const isTask = declaresTasks(mcpReq);
    if (!isTask)
      for await (const _seen of backend.followers.watch(run_id, { signal: mcpReq.signal }));
    const result = {
      content: [{ type: "text" as const, text: `Run ${run_id}` }],
      structuredContent: { summary: "", next_step: "", run_id, is_active: true, created_at },
    };
    return isTask ? asTask(result) : result;
  }

  return (request) => {
    const server = create(request);
    server.registerTool(
      "greet",
      { description: "Greets", inputSchema: z.object({ name: z.string() }) },
      ({ name }) => ({ content: [{ type: "text", text: `Hello, ${name}!` }] }),
    );
    server.registerTool(
      "slow_compute",
      { description: "Takes its time", inputSchema: z.looseObject({ seconds: z.number() }) },
      ({ seconds }, context) => start({ seconds }, context),
    );
    server.registerTool(
      "failing_job",
      { description: "Fails", inputSchema: z.object({}) },
      (_args, context) => start({ fails: true }, context),
    );
    server.registerTool(
      "confirm_delete",
      { description: "Asks first", inputSchema: z.looseObject({}) },
      (_args, context) => start({ asks: true }, context),
    );
    return server;
  };
}

/** A server whose one tool is of no use to a client without tasks. Ours has none: see `expected-failures/tasks.yml`. */
export function createRequiredTaskFixture(): McpServer {
  const fixture = new McpServer(
    { name: "required-task", version: "1" },
    { capabilities: { tools: {}, extensions: { [TASKS_EXTENSION]: {} } } },
  );
  // Below the level of tools: there, whatever is thrown becomes a result.
  const { server } = fixture;
  const inputSchema = { type: "object" as const };
  server.setRequestHandler("tools/list", () => ({ tools: [{ name: "failing_job", inputSchema }] }));
  server.setRequestHandler("tools/call", () => {
    throw new MissingRequiredClientCapabilityError({
      requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } },
    });
  });
  return fixture;
}
