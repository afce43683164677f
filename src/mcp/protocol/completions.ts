import { type McpServer, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import type { LedgerEntry } from "../../ledger/ledger.ts";
import { PROCESSORS } from "../../task-api/processors.ts";
import { PROCESSORS_URI } from "../report/resource-uri.ts";
import type { Backend } from "../runs/backend.ts";
import type { CallServices } from "../runs/call-context.ts";
import { type Completion, DEPTHS, type Prompt } from "./prompts.ts";
import { toProtocolError } from "./protocol-error.ts";
import { RESOURCE_TEMPLATES } from "./serve-resources.ts";

/** The most values of one completion (MCP: Completion). */
const MAX_VALUES = 100;

/** Registers `completion/complete`: ids in resource templates and prompts, processors in prompts. */
export function registerCompletions(
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

/** Ids are compared for this many of the newest runs or groups; questions are searched in all. */
const RECENT = 200;

/** Ids of runs that start with the typed text, or whose question contains it; newest first. */
async function completeRunId(typed: string, { ledger }: Backend): Promise<string[]> {
  const { entries: recent } = await ledger.list({ limit: RECENT });
  const byId = recent.filter(({ runId }) => runId?.startsWith(typed));
  const { entries: byQuestion } =
    typed === "" ? { entries: [] } : await ledger.list({ text: typed, limit: MAX_VALUES });
  const found = new Map<number, LedgerEntry>();
  for (const entry of [...byId, ...byQuestion]) found.set(entry.entryId, entry);
  return [...found.values()]
    .toSorted((a, b) => b.entryId - a.entryId)
    .flatMap(({ runId }) => runId ?? []);
}

/** Ids of groups that start with the typed text, or with a question that contains it; newest first. */
async function completeGroupId(typed: string, { ledger }: Backend): Promise<string[]> {
  const { groups: recent } = await ledger.listGroups({ limit: RECENT, offset: 0 });
  const byId = recent.filter(({ taskgroupId }) => taskgroupId.startsWith(typed));
  const { groups: byQuestion } =
    typed === ""
      ? { groups: [] }
      : await ledger.listGroups({ text: typed, limit: MAX_VALUES, offset: 0 });
  return [...new Set([...byId, ...byQuestion].map(({ taskgroupId }) => taskgroupId))];
}
