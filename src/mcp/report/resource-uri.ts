const RUN_SCHEME = "task-run://";
const GROUP_SCHEME = "task-group://";

/** The parts of a run that have a resource of their own. */
export const RUN_PARTS = ["output", "basis", "events"] as const;
export type RunPart = "report" | (typeof RUN_PARTS)[number];

export const PROCESSORS_URI = `${RUN_SCHEME}processors`;

/** The URI template of a part. */
export const templateOf = (part: RunPart): string => `${RUN_SCHEME}{run_id}${pathOf(part)}`;

/** `task-run://{run_id}` for the report of a run, and one step deeper for a part of it. */
export function runUri(runId: string, part: RunPart = "report"): string {
  return `${RUN_SCHEME}${encodeURIComponent(runId)}${pathOf(part)}`;
}

/** The run and the part that a URI names; null when it names none. */
export function readRunUri(uri: string): { runId: string; part: RunPart } | null {
  if (uri === PROCESSORS_URI) return null;
  const [, id, name] = /^task-run:\/\/([^/?#\s]{1,600})(?:\/(\w+))?$/.exec(uri) ?? [];
  const part = name === undefined ? "report" : RUN_PARTS.find((known) => known === name);
  const runId = decodeId(id);
  return runId === undefined || part === undefined ? null : { runId, part };
}

function pathOf(part: RunPart): string {
  return part === "report" ? "" : `/${part}`;
}

/** The file formats of a group's results. */
export const EXPORT_FORMATS = ["csv", "jsonl"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const EXPORT_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: "text/csv",
  jsonl: "application/jsonl",
};

/** The URI template of all results of a group. */
export const exportTemplate = (format: ExportFormat): string =>
  `${GROUP_SCHEME}{taskgroup_id}/results.${format}`;

/** All results of a group. */
export function exportUri(taskgroupId: string, format: ExportFormat): string {
  return `${GROUP_SCHEME}${encodeURIComponent(taskgroupId)}/results.${format}`;
}

/** The group and the format that a URI names; null when it names none. */
export function readExportUri(uri: string): { taskgroupId: string; format: ExportFormat } | null {
  const [, id, name] = /^task-group:\/\/([^/?#\s]{1,600})\/results\.(\w+)$/.exec(uri) ?? [];
  const format = EXPORT_FORMATS.find((known) => known === name);
  const taskgroupId = decodeId(id);
  return taskgroupId === undefined || format === undefined ? null : { taskgroupId, format };
}

function decodeId(id: string | undefined): string | undefined {
  try {
    return id === undefined ? undefined : decodeURIComponent(id);
  } catch {
    return undefined; // A lone percent sign.
  }
}
