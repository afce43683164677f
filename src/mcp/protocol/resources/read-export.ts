import { type ReadResourceResult, ResourceNotFoundError } from "@modelcontextprotocol/server";
import { GroupNotFound } from "../../../client/errors.ts";
import type { CallContext } from "../../runs/call-context.ts";
import { type ReadGroup, readGroup, readGroupPage } from "../../runs/read-group.ts";
import { callText } from "../../report/text.ts";
import { type ExportFormat, EXPORT_TYPES } from "../../report/resource-uri.ts";
import { exportRowOf, exportText } from "../../report/reading/export-rows.ts";
import type { GroupRunState } from "../../report/reading/rows.ts";

/** What one file may hold, as JSON: some ten thousand short results. The tool's pages lead to the rest. */
const MAX_BYTES = 4_000_000;

/** All results of a group that there are now, as one file; a second part says so when there are more than it holds. */
export async function readExport(
  uri: string,
  { taskgroupId, format }: { taskgroupId: string; format: ExportFormat },
  context: CallContext,
): Promise<ReadResourceResult> {
  const call = await context.open();
  const page = {
    statuses: ["completed"],
    cursor: undefined,
    limit: Number.POSITIVE_INFINITY,
    budget: MAX_BYTES,
    itemOf: (found: GroupRunState) => exportRowOf(found, MAX_BYTES),
    isRecorded: false,
  };
  const { items, isCut, nextCursor, missing } = await readGroupPage(await read(), page, call);
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

  async function read(): Promise<ReadGroup> {
    try {
      return await readGroup(taskgroupId, { waitSeconds: 0 }, call);
    } catch (error) {
      if (!(error instanceof GroupNotFound)) throw error;
      throw new ResourceNotFoundError(
        uri,
        "The backend knows no such group. Use the taskgroup_id exactly as create_task_group returned it.",
      );
    }
  }
}
