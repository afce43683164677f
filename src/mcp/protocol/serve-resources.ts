import {
  type ListResourceTemplatesResult,
  type ListResourcesResult,
  type McpServer,
  ResourceNotFoundError,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import type { LedgerEntry } from "../../ledger/ledger.ts";
import type { TraceWork } from "../calls/trace-request.ts";
import { questionOf } from "../report/reading/rows.ts";
import {
  EXPORT_FORMATS,
  EXPORT_TYPES,
  PROCESSORS_URI,
  type RunPart,
  exportTemplate,
  readRunUri,
  runUri,
  templateOf,
} from "../report/resource-uri.ts";
import { oneLine } from "../report/text.ts";
import type { Backend } from "../runs/backend.ts";
import type { CallContext } from "../runs/call-context.ts";
import type { CatalogBackend } from "../tool.ts";
import { toProtocolError } from "./protocol-error.ts";
import { readResource } from "./read-resource.ts";

export interface ResourceServices {
  contextOf(request: ServerContext): CallContext;
  trace: TraceWork;
  catalogBackend: CatalogBackend | undefined;
  /** Subscribes to a resource; null where updates cannot reach the client. */
  subscribe: ((uri: string, publish: (uri: string) => void) => () => void) | null;
  log: Logger;
}

/**
 * Clients subscribe to the resources that their user views; more subscriptions than this are a defect of the client.
 */
const MAX_SUBSCRIPTIONS = 1_000;

/** Registers `resources/list`, `resources/templates/list`, `resources/read` and, over connections, subscriptions. */
export function registerResources(
  { server }: McpServer,
  { contextOf, trace, catalogBackend, subscribe, log }: ResourceServices,
): void {
  server.setRequestHandler("resources/templates/list", () => ({
    resourceTemplates: RESOURCE_TEMPLATES,
  }));
  server.setRequestHandler("resources/list", async (_request, context) => {
    try {
      return { resources: await listResources((await contextOf(context).open()).backend) };
    } catch (error) {
      throw toProtocolError(error, null, log);
    }
  });
  server.setRequestHandler("resources/read", async ({ params: { uri } }, context) => {
    try {
      return await trace(context, () => readResource(uri, contextOf(context), catalogBackend));
    } catch (error) {
      throw toProtocolError(error, readRunUri(uri)?.runId ?? null, log);
    }
  });
  if (subscribe === null) return;

  const subscriptions = new Map<string, () => void>();
  const end = (uri: string) => {
    subscriptions.get(uri)?.();
    subscriptions.delete(uri);
  };
  const notify = (uri: string) => {
    server.sendResourceUpdated({ uri }).catch((error: unknown) => {
      log.debug({ err: error }, "a resource update could not be sent");
    });
  };
  server.setRequestHandler("resources/subscribe", ({ params: { uri } }) => {
    if (uri !== PROCESSORS_URI && readRunUri(uri) === null) throw new ResourceNotFoundError(uri);
    end(uri);
    if (subscriptions.size >= MAX_SUBSCRIPTIONS) {
      throw new ResourceNotFoundError(uri, "Too many subscriptions; end one first.");
    }
    subscriptions.set(uri, subscribe(uri, notify));
    return {};
  });
  server.setRequestHandler("resources/unsubscribe", ({ params: { uri } }) => {
    end(uri);
    return {};
  });
  // The SDK's servers report their end in no other way.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  server.onclose = () => {
    for (const uri of subscriptions.keys()) end(uri);
  };
}

/** As many as a user can choose from; `list_task_runs` and completions find older ones. */
const LISTED_RUNS = 50;

type ListedResource = ListResourcesResult["resources"][number];

const PROCESSORS: ListedResource = {
  uri: PROCESSORS_URI,
  name: "processors",
  title: "Processors",
  description: "The processors a run can use, with price and purpose.",
  mimeType: "text/markdown",
};

/** The processors, and the reports of the latest runs, newest first. */
async function listResources({ ledger }: Backend): Promise<ListedResource[]> {
  const { entries } = await ledger.list({ limit: LISTED_RUNS });
  return [PROCESSORS, ...entries.flatMap(listedRun)];
}

function listedRun(entry: LedgerEntry): ListedResource[] {
  const { runId, status, processor, createdAt, modifiedAt } = entry;
  if (runId === null) return [];
  return [
    {
      uri: runUri(runId),
      name: runId,
      title: questionOf(entry.question),
      description: `Run on ${oneLine(processor, 100)}, created ${createdAt}, last known status ${oneLine(status, 100)}.`,
      mimeType: "text/markdown",
      annotations: { lastModified: modifiedAt },
    },
  ];
}

const TEMPLATES: readonly (Omit<
  ListResourceTemplatesResult["resourceTemplates"][number],
  "uriTemplate"
> & { part: RunPart })[] = [
  {
    part: "report",
    name: "run",
    title: "Report of a run",
    description:
      "Status, answer and key citations of a run: as Markdown, and the same as JSON. Untrusted text is marked.",
  },
  {
    part: "output",
    name: "run-output",
    title: "Output of a run",
    description: "The whole output of a completed run, as Markdown or JSON.",
  },
  {
    part: "basis",
    name: "run-basis",
    title: "Basis of a run",
    description: "Reasoning, all citations and confidence per field of a completed run.",
    mimeType: "application/json",
  },
  {
    part: "events",
    name: "run-events",
    title: "Steps of a run",
    description: "The steps of a run, oldest first.",
    mimeType: "application/json",
  },
];

const EXPORTS = { csv: "CSV, one column per field", jsonl: "JSON lines" } as const;

export const RESOURCE_TEMPLATES: ListResourceTemplatesResult["resourceTemplates"] = [
  ...TEMPLATES.map(({ part, ...template }) => ({ uriTemplate: templateOf(part), ...template })),
  ...EXPORT_FORMATS.map((format) => ({
    uriTemplate: exportTemplate(format),
    name: `group-results-${format}`,
    title: `Results of a group (${format})`,
    description: `The completed runs of a group with whole outputs, as ${EXPORTS[format]}.`,
    mimeType: EXPORT_TYPES[format],
  })),
];
