import type { ExportFormat } from "./reading/export-rows.ts";

const SCHEME = "task-group://";

export const EXPORT_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: "text/csv",
  jsonl: "application/jsonl",
};

export const exportTemplate = (format: ExportFormat): string =>
  `${SCHEME}{taskgroup_id}/results.${format}`;

/** All results of a group. */
export function exportUri(taskgroupId: string, format: ExportFormat): string {
  return `${SCHEME}${encodeURIComponent(taskgroupId)}/results.${format}`;
}

/** The group and the format that a URI names; null when it names none. */
export function readExportUri(uri: string): { taskgroupId: string; format: ExportFormat } | null {
  const [, id, name] = /^task-group:\/\/([^/?#\s]{1,600})\/results\.(\w+)$/.exec(uri) ?? [];
  const format = name === "csv" || name === "jsonl" ? name : undefined;
  if (id === undefined || format === undefined) return null;
  try {
    return { taskgroupId: decodeURIComponent(id), format };
  } catch {
    return null; // A lone percent sign.
  }
}
