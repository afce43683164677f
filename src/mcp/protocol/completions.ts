import { type McpServer, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import { PROCESSORS } from "../../task-api/processors.ts";
import type { Completion, Prompt } from "./prompts/prompt.ts";
import { DEPTHS } from "./prompts/research.ts";
import { toProtocolError } from "./protocol-error.ts";
import { completeGroupId, completeRunId } from "./resources/complete-id.ts";
import { RESOURCE_TEMPLATES } from "./resources/list-resources.ts";
import { PROCESSORS_URI } from "../report/resource-uri.ts";
import type { CallServices } from "../runs/call-context.ts";

/** What one completion may hold (MCP: Completion). */
const MAX_VALUES = 100;

/** Answers `completion/complete`: ids of runs and groups in the templates of resources and prompts, processors in prompts. */
export function serveCompletions(
  { server }: McpServer,
  prompts: readonly Prompt[],
  { openBackend, log }: Pick<CallServices, "openBackend"> & { log: Logger },
): void {
  server.setRequestHandler("completion/complete", async ({ params: { ref, argument } }) => {
    const completion =
      ref.type === "ref/prompt"
        ? ofPrompt(ref.name, argument.name)
        : ofTemplate(ref.uri, argument.name);
    switch (completion) {
      case undefined:
        return completionOf([]);
      case "run_id":
        return completionOf(await idsBy(completeRunId, argument.value));
      case "taskgroup_id":
        return completionOf(await idsBy(completeGroupId, argument.value));
      case "processor":
        return completionOf(processors(argument.value));
    }
  });

  function ofPrompt(name: string, argument: string): Completion | undefined {
    const prompt = prompts.find((one) => one.name === name);
    if (prompt === undefined) throw unknownReference("prompt");
    return prompt.completions[argument];
  }

  function ofTemplate(uri: string, argument: string): Completion | undefined {
    const isTemplate = RESOURCE_TEMPLATES.some(({ uriTemplate }) => uriTemplate === uri);
    if (!isTemplate && uri !== PROCESSORS_URI) throw unknownReference("resource template");
    const isId = argument === "run_id" || argument === "taskgroup_id";
    return isTemplate && isId && uri.includes(`{${argument}}`) ? argument : undefined;
  }

  async function idsBy(complete: typeof completeRunId, typed: string): Promise<string[]> {
    try {
      return await complete(typed, await openBackend());
    } catch (error) {
      throw toProtocolError(error, null, log);
    }
  }
}

function processors(typed: string): string[] {
  const names = [...Object.keys(DEPTHS), ...PROCESSORS.map(({ name }) => name)];
  return names.filter((name) => name.startsWith(typed.toLowerCase()));
}

function completionOf(values: readonly string[]) {
  const shown = values.slice(0, MAX_VALUES);
  return {
    completion: { values: shown, total: values.length, hasMore: shown.length < values.length },
  };
}

function unknownReference(kind: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no such ${kind}.`);
}
