import { pino } from "pino";
import { openDatabase } from "../../../src/database/open-database.ts";
import { createDocumentSync } from "../../../src/engine/sources/folder/sync-documents.ts";

// Started twice by a test: waits for a line, so that both begin at once, then prints its counts.
const [, , databasePath = "", folder = ""] = process.argv;
const db = await openDatabase(databasePath);
process.stdout.write("ready\n");
await new Promise((resolve) => {
  process.stdin.once("data", resolve);
});
const counts = await createDocumentSync(db, folder, pino({ level: "silent" })).sync(Date.now());
await db.destroy();
process.stdout.write(`${JSON.stringify(counts)}\n`);
process.stdin.destroy();
