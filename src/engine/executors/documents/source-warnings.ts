import type { RunInput } from "../../../task-api/run-input.ts";
import type { RunWarning } from "../../../task-api/run.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { DocumentFolderUnusable } from "../../sources/folder/document-folder.ts";
import type { FileProblem, UnreadFiles } from "../../sources/folder/unread-files.ts";
import { countText } from "./wait-for-index.ts";
import type { DocumentLibrary } from "../../sources/folder/document-library.ts";

/** Creating a run waits no longer for the index; the run itself waits, and gets the warning. */
const WAITING_MS = 1_000;

/** Warns before a run of names in its `source_policy` that no document has, as far as the index is known by now. */
export async function warnBeforeRun(
  input: RunInput,
  sinceMs: number,
  library: DocumentLibrary,
  clock: Clock,
): Promise<RunWarning[]> {
  const { source_policy: policy } = input;
  if (!policy) return [];
  const waited = new AbortController();
  try {
    const isIndexed = await Promise.race([
      library.sync(sinceMs).then(() => true),
      clock.sleep(WAITING_MS, waited.signal).then(() => false),
    ]);
    return isIndexed ? await warnOfSources(input, library) : [];
  } catch (error) {
    // The run fails with the same message.
    if (error instanceof DocumentFolderUnusable) return [];
    throw error;
  } finally {
    waited.abort();
  }
}

/** One warning for all entries that name no document, or for a policy that leaves none. */
export async function warnOfSources(
  { source_policy: policy, mcp_servers: servers }: RunInput,
  library: DocumentLibrary,
): Promise<RunWarning[]> {
  // MCP servers may find documents that are not in the folders.
  if (!policy || (servers ?? []).length > 0) return [];
  const unknown = await library.unknownSources(policy);
  if (unknown === null) return [];
  const { entries, isEmpty, known } = unknown;
  const message =
    entries.length === 0
      ? `source_policy: it leaves no document to search${policy.after_date ? "; after_date leaves out documents without a date" : ""}`
      : [
          `source_policy: no document is from ${entries.join(" or ")}`,
          isEmpty ? ", so that nothing would be searched" : "",
          known.length > 0
            ? `; documents are from: ${known.join(", ")}`
            : "; there are no documents",
        ].join("");
  return [{ type: "warning", message, detail: null }];
}

/** More names make a warning too long to read; the log has them all. */
const MAX_NAMED = 5;

/** One warning for all that lies in the folders and was not searched, or not as it is. */
export function warnOfUnread({ skipped, partly, otherKinds }: UnreadFiles): RunWarning[] {
  const others = [...otherKinds].toSorted(([, a], [, b]) => b - a);
  const otherFiles = others.reduce((sum, [, count]) => sum + count, 0);
  const kinds = others.slice(0, MAX_NAMED).map(([kind, count]) => `${count} ${kind}`);
  const sentences = [
    ...(skipped.length > 0
      ? [`${countText(skipped.length, "file")} could not be searched: ${nameFiles(skipped)}.`]
      : []),
    ...(partly.length > 0
      ? [`Of ${countText(partly.length, "file")} not all was read as it is: ${nameFiles(partly)}.`]
      : []),
    ...(otherFiles > 0
      ? [
          `${countText(otherFiles, "file")} of other kinds ${otherFiles === 1 ? "was" : "were"} not read: ${kinds.join(", ")}${others.length > kinds.length ? ", …" : ""}.`,
        ]
      : []),
  ];
  if (sentences.length === 0) return [];
  const detail = { files: skipped.length, partly: partly.length, other_kinds: otherFiles };
  return [{ type: "warning", message: sentences.join(" "), detail }];
}

function nameFiles(files: readonly FileProblem[]): string {
  const named = files.slice(0, MAX_NAMED).map(({ path, reason }) => `${path} (${reason})`);
  const others = files.length - named.length;
  const more = others > 0 ? `, and ${others} more that the log of the engine names` : "";
  return named.join(", ") + more;
}
