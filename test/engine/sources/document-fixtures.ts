import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Logger, pino } from "pino";
import { type Database, openDatabase } from "../../../src/database/open-database.ts";
import { onFinished } from "../../on-finished.ts";

/** A temporary folder with these files, by path; removed when the test ends. */
export async function createFolder(files: Record<string, string | Buffer> = {}): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "documents-")));
  onFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFiles(folder, files);
  return folder;
}

export async function writeFiles(
  folder: string,
  files: Record<string, string | Buffer>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

/** A database file of its own; closed and removed when the test ends. */
export async function createDatabase(): Promise<{ db: Database; path: string }> {
  const path = join(await createFolder(), "state.db");
  const db = await openDatabase(path);
  onFinished(() => db.destroy());
  return { db, path };
}

/** A real logger whose messages are kept. */
export function createLog(): { log: Logger; messages: string[] } {
  const messages: string[] = [];
  const log = pino(
    { level: "debug" },
    {
      write: (line: string) => {
        const entry: unknown = JSON.parse(line);
        if (typeof entry === "object" && entry !== null && "msg" in entry) {
          messages.push(String(entry.msg));
        }
      },
    },
  );
  return { log, messages };
}
