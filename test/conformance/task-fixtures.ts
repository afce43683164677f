import type { McpServerFactory, ServerContext } from "@modelcontextprotocol/server";
import { z } from "zod";
import { systemClock } from "../../src/client/clock.ts";
import { type Attempt, ExecutionFailed } from "../../src/engine/executors/executor.ts";
import { createTaskRunServer } from "../../src/mcp/server.ts";
import { declaresTasks } from "../../src/mcp/tasks-capability.ts";
import { asTask } from "../../src/mcp/tasks-extension.ts";
import { silentLog, startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOn } from "../mcp/connect.ts";

const Work = z.object({ seconds: z.number(), fails: z.boolean() });

/** A run that takes as long as it is told. */
async function execute({ input, signal }: Attempt) {
  const { seconds, fails } = Work.parse(input.input);
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
  const create = createTaskRunServer({
    backend: async () => backend,
    version: "1",
    log: silentLog,
    clock: systemClock,
  });

  async function start(work: z.infer<typeof Work>, { mcpReq }: ServerContext) {
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
      ({ seconds }, context) => start({ seconds, fails: false }, context),
    );
    server.registerTool(
      "failing_job",
      { description: "Fails", inputSchema: z.object({}) },
      (_args, context) => start({ seconds: 1, fails: true }, context),
    );
    return server;
  };
}
