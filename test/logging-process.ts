import { createInterface } from "node:readline";
import { createLogger } from "../src/logger.ts";

// Logs as many lines as each line of stdin says, and says on stdout when that is done.
const log = createLogger({ level: "info", secrets: ["hush"] });
for await (const count of createInterface(process.stdin)) {
  for (let line = 1; line <= Number(count); line += 1) log.info({ line, hush: "x".repeat(500) });
  process.stdout.write("done\n");
}
