import type {
  ListResourceTemplatesResult,
  ListResourcesResult,
} from "@modelcontextprotocol/server";
import type { LedgerEntry } from "../../../ledger/ledger.ts";
import type { Backend } from "../../runs/backend.ts";
import { oneLine } from "../../report/text.ts";
import {
  type RunPart,
  EXPORT_FORMATS,
  EXPORT_TYPES,
  PROCESSORS_URI,
  exportTemplate,
  runUri,
  templateOf,
} from "../../report/resource-uri.ts";
import { questionOf } from "../../report/reading/rows.ts";

/** As many as a person picks from; older ones are found by `list_task_runs`, or by completion. */
const LISTED_RUNS = 50;

type ListedResource = ListResourcesResult["resources"][number];

const PROCESSORS: ListedResource = {
  uri: PROCESSORS_URI,
  name: "processors",
  title: "Processors",
  description: "The tiers a run can ask for, with their prices and what they do.",
  mimeType: "text/markdown",
};

/** The processors, and the reports of the runs that were started last, the newest first. */
export async function listResources({ ledger }: Backend): Promise<ListedResource[]> {
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
      description: `Report of a run on ${oneLine(processor, 100)}, started at ${createdAt}; when last seen it was ${oneLine(status, 100)}.`,
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
      "Status, answer and key citations of a run: as Markdown, and the same as JSON. What the run found stands behind a fence.",
  },
  {
    part: "output",
    name: "run-output",
    title: "Output of a run",
    description: "The whole output of a completed run: Markdown, or JSON for structured output.",
  },
  {
    part: "basis",
    name: "run-basis",
    title: "Basis of a run",
    description: "Reasoning, all citations and confidence of every field of a completed run.",
    mimeType: "application/json",
  },
  {
    part: "events",
    name: "run-events",
    title: "Steps of a run",
    description: "What a run did, step by step, the oldest first.",
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
