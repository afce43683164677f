import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { notesOnRunsWithoutWorker } from "../../src/commands/wiring/runs-without-worker.ts";
import { readConfig } from "../../src/config.ts";
import { openDatabase } from "../../src/database/open-database.ts";
import { call } from "../engine/call-engine.ts";
import { startTestEngine, temporaryFolder } from "../engine/start-test-engine.ts";

/** What is said of a run with this executor key and no worker, to a user with these flags. */
async function noteFor(executorKey: (path: string) => string, flags: object) {
  const stateDir = await temporaryFolder();
  const databasePath = join(stateDir, "engine.sqlite");
  const folder = await realpath(await temporaryFolder());
  const engine = await startTestEngine(() => Promise.reject(new Error("not used")), {
    databasePath,
    performsRuns: false,
  });
  const { body } = await call(engine, "/v1/tasks/runs", { input: "Why?", processor: "base" });
  await engine.close();
  const db = await openDatabase(databasePath);
  await db
    .updateTable("runs")
    .set({ executor_key: executorKey(folder) })
    .execute();
  await db.destroy();
  const { backend } = readConfig({ stateDir, ...flags }, {});
  const notes = await notesOnRunsWithoutWorker([body.run_id], backend, []);
  return { folder, note: notes.join("\n"), command: `get ${body.run_id} --wait 600` };
}

test("a run of the host executor is continued by an engine with that executor and its documents", async () => {
  const { note, folder, command } = await noteFor((path) => `host:${path}`, {});
  expect(note).toContain(`${command} --executor host --documents ${folder}\``);
});

test("what is set already is not said again", async () => {
  const { note, folder, command } = await noteFor((path) => `host:${path}`, {
    executor: "host",
  });
  expect(note).toContain(`${command} --documents ${folder}\``);
});

test("a run of an engine with several executors needs them all", async () => {
  const { note, folder, command } = await noteFor(
    (path) =>
      JSON.stringify([
        ["*", `extractive:${path}`],
        ["pro", `host:${path}`],
      ]),
    {},
  );
  expect(note).toContain(`${command} --executor "extractive,pro=host" --documents ${folder}\``);
});

test("a run that was accepted by a process without executors names none", async () => {
  const { note, command } = await noteFor(() => "none", {});
  expect(note).toContain(`${command}\``);
});
