import type { Database } from "../../../database/open-database.ts";
import type { DocumentFile } from "./document-folder.ts";

/** Why a version of a file is not searched. */
export interface UnreadVersion {
  version: string;
  reason: string;
}

/** The same text for the same content, as far as a listing tells. */
export function versionOf({
  modifiedMs,
  sizeBytes,
}: Pick<DocumentFile, "modifiedMs" | "sizeBytes">) {
  return `${modifiedMs}/${sizeBytes}`;
}

/** The files of the folder that took too much time or memory, by path: a restart must not cost the same again. */
export async function loadCostlyFiles(
  db: Database,
  folder: string,
): Promise<Map<string, UnreadVersion>> {
  const rows = await db
    .selectFrom("costly_files")
    .selectAll()
    .where("folder", "=", folder)
    .execute();
  return new Map(
    rows.map(({ path, modified_ms: modifiedMs, size_bytes: sizeBytes, reason }) => [
      path,
      { version: versionOf({ modifiedMs, sizeBytes }), reason },
    ]),
  );
}

export async function rememberCostlyFile(
  db: Database,
  folder: string,
  { path, modifiedMs, sizeBytes }: DocumentFile,
  reason: string,
): Promise<void> {
  const values = { modified_ms: modifiedMs, size_bytes: sizeBytes, reason };
  await db
    .insertInto("costly_files")
    .values({ folder, path, ...values })
    .onConflict((conflict) => conflict.columns(["folder", "path"]).doUpdateSet(values))
    .execute();
}

export async function forgetCostlyFiles(
  db: Database,
  folder: string,
  paths: readonly string[],
): Promise<void> {
  for (const path of paths) {
    await db
      .deleteFrom("costly_files")
      .where("folder", "=", folder)
      .where("path", "=", path)
      .execute();
  }
}
