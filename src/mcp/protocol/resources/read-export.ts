import { type ReadResourceResult, ResourceNotFoundError } from "@modelcontextprotocol/server";
import { GroupNotFound } from "../../../client/errors.ts";
import { readGroupPage } from "../../runs/group-page.ts";
import { callText } from "../../report/text.ts";
import { type ExportFormat, EXPORT_TYPES } from "../../report/resource-uri.ts";
import { exportRowOf, exportText } from "../../report/reading/export-rows.ts";
import type { GroupRunState } from "../../report/reading/rows.ts";
import type { SeeingContext } from "../../runs/read-run.ts";
import type { ToolContext } from "../../tool.ts";
import { type SeenGroup, waitForGroup } from "../../runs/wait-for-group.ts";

/** What reading for one request takes. */
export type ReadingContext = SeeingContext & Pick<ToolContext, "openBackend" | "waits" | "log">;

/** What one file may hold, as JSON: some ten thousand short results. The tool's pages lead to the rest. */
const MAX_BYTES = 4_000_000;

/** All results of a group that there are now, as one file; a second part says so when there are more than it holds. */
export async function readExport(
  uri: string,
  { taskgroupId, format }: { taskgroupId: string; format: ExportFormat },
  context: ReadingContext,
): Promise<ReadResourceResult> {
  const backend = await context.openBackend();
  const seen = await see();
  const { items, isCut, nextCursor, missing } = await readGroupPage(seen, backend, {
    statuses: ["completed"],
    cursor: undefined,
    limit: Number.POSITIVE_INFINITY,
    budget: MAX_BYTES,
    itemOf: (found: GroupRunState) => exportRowOf(found, MAX_BYTES),
    signal: context.callerLeft,
    isRecorded: false,
  });
  const rest = callText("get_task_group", {
    taskgroup_id: taskgroupId,
    view: "export",
    format,
    ...(nextCursor !== null && { cursor: nextCursor }),
  });
  const isWhole = !isCut && missing === 0;
  return {
    contents: [
      { uri, mimeType: EXPORT_TYPES[format], text: await exportText(items, format) },
      ...(isWhole
        ? []
        : [
            {
              uri,
              mimeType: "text/plain",
              text: `Not all results are here: these are the first ${items.length}. The others: ${rest}.`,
            },
          ]),
    ],
    ttlMs: 0,
    cacheScope: "private",
  };

  async function see(): Promise<SeenGroup> {
    try {
      return await waitForGroup(backend, taskgroupId, 0, context);
    } catch (error) {
      if (!(error instanceof GroupNotFound)) throw error;
      throw new ResourceNotFoundError(
        uri,
        "The backend knows no such group. Use the taskgroup_id exactly as create_task_group returned it.",
      );
    }
  }
}
