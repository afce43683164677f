import { extname } from "node:path";
import {
  DocumentFolderUnusable,
  listDocumentFiles,
  resolveDocumentFolder,
} from "../../../engine/sources/folder/document-folder.ts";
import { DocumentUnreadable } from "../../../engine/sources/document.ts";
import { FileGone } from "../../../engine/sources/readers/open-file.ts";
import { readDocument } from "../../../engine/sources/readers/read-document.ts";
import type { Finding } from "./finding.ts";

/** Reading takes some milliseconds per file. */
const MAX_READ = 500;
const NAMED_PROBLEMS = 3;

/** Counts the documents in a folder, and names those that cannot be read. */
export async function checkDocuments(folder: string): Promise<Finding> {
  const check = "Documents";
  try {
    const { files, problems: links } = await listDocumentFiles(await resolveDocumentFolder(folder));
    const problems = links.map(({ path, reason }) => `${path} ${reason}`);
    for (const { absolutePath, path } of files.slice(0, MAX_READ)) {
      try {
        await readDocument(absolutePath);
      } catch (error) {
        if (error instanceof FileGone) continue;
        if (!(error instanceof DocumentUnreadable)) throw error;
        problems.push(`${path} ${error.message}`);
      }
    }
    const found = `${folder}: ${countText(files.map(({ path }) => extname(path).toLowerCase()))}`;
    const message = files.length > MAX_READ ? `${found}; the first ${MAX_READ} were read` : found;
    if (problems.length > 0) {
      const named = problems.slice(0, NAMED_PROBLEMS).join("; ");
      const more = problems.length > NAMED_PROBLEMS ? "; …" : "";
      return {
        check,
        state: "warning",
        message: `${message}; ${problems.length} cannot be read (${named}${more})`,
        advice: "Correct these files, or move them out of the folder.",
      };
    }
    if (files.length > 0) return { check, state: "ok", message };
    return {
      check,
      state: "warning",
      message,
      advice: "Add documents, or choose another folder with --documents.",
    };
  } catch (error) {
    if (!(error instanceof DocumentFolderUnusable)) throw error;
    return {
      check,
      state: "problem",
      message: error.message,
      advice: "Set --documents or TASK_RUN_MCP_DOCUMENTS to a folder that can be read.",
    };
  }
}

/** `12 files (9 .md, 3 .txt)` */
function countText(extensions: readonly string[]): string {
  if (extensions.length === 0) return "no readable files";
  const counts = new Map<string, number>();
  for (const extension of extensions) counts.set(extension, (counts.get(extension) ?? 0) + 1);
  const kinds = [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([extension, count]) => `${count} ${extension}`);
  return `${extensions.length} ${extensions.length === 1 ? "file" : "files"} (${kinds.join(", ")})`;
}
