// A process that cancels a run through an engine of its own, on a database that others use too, and ends.
import { pino } from "pino";
import { createEngine } from "../../src/engine/engine.ts";

const [, , databasePath = "", runId = ""] = process.argv;
const engine = await createEngine({
  databasePath,
  createExecutor: () => ({ key: "of another process", execute: () => Promise.reject(new Error()) }),
  log: pino({ level: "silent" }),
});
const answer = await engine.fetch(
  new Request(`http://engine/v1/tasks/runs/${runId}/cancel`, { method: "POST" }),
);
process.stdout.write(await answer.text());
await engine.close();
