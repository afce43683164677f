// A process that opens the database whose path it is given, and ends.
import { openDatabase } from "../../src/database/open-database.ts";

const db = await openDatabase(process.argv[2] ?? "");
await db.destroy();
