const SCHEME = "task-run://";

/** The parts of a run that have a resource of their own. */
export const RUN_PARTS = ["output", "basis", "events"] as const;
export type RunPart = "report" | (typeof RUN_PARTS)[number];

export const PROCESSORS_URI = `${SCHEME}processors`;

/** The URI template of a part. */
export const templateOf = (part: RunPart): string => `${SCHEME}{run_id}${pathOf(part)}`;

/** `task-run://{run_id}` for the report of a run, and one step deeper for a part of it. */
export function runUri(runId: string, part: RunPart = "report"): string {
  return `${SCHEME}${encodeURIComponent(runId)}${pathOf(part)}`;
}

/** The run and the part that a URI names; null when it names none. */
export function readRunUri(uri: string): { runId: string; part: RunPart } | null {
  if (uri === PROCESSORS_URI) return null;
  const [, id, name] = /^task-run:\/\/([^/?#\s]{1,600})(?:\/(\w+))?$/.exec(uri) ?? [];
  const part = name === undefined ? "report" : RUN_PARTS.find((known) => known === name);
  if (id === undefined || part === undefined) return null;
  try {
    return { runId: decodeURIComponent(id), part };
  } catch {
    return null; // A lone percent sign.
  }
}

function pathOf(part: RunPart): string {
  return part === "report" ? "" : `/${part}`;
}
