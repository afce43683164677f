import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/database/open-database.ts";
import { readEvents } from "../../src/engine/runs/sqlite/event-log.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { EXAMPLE_DOCUMENTS, connectStdio, firstLine, launch } from "../e2e/built-binary.ts";

/** A folder large enough that indexing it takes longer than it takes to kill a process. */
async function manyDocuments(count: number): Promise<string> {
  const folder = join(await temporaryFolder(), "documents");
  await mkdir(folder);
  for (let i = 0; i < count; i++) {
    const text = `# City ${i}\n\nCity ${i} had ${i * 1_000 + 7} inhabitants in ${1900 + (i % 100)}.\n`;
    await writeFile(join(folder, `city-${i}.md`), text);
  }
  return folder;
}

test("a server killed in the middle of a run leaves a run that the next server completes", async () => {
  const stateDir = await temporaryFolder();
  const env = { TASK_RUN_MCP_DOCUMENTS: await manyDocuments(1_500) };
  const doomed = await connectStdio("v1 client", { stateDir, env });
  const created = await doomed.call("create_task_run", {
    input: "How many inhabitants did City 1234 have?",
  });
  const runId = String(created.report["run_id"]);

  const db = await openDatabase(join(stateDir, "engine.sqlite"));
  const statuses = async () =>
    (await readEvents(db, runId, 0)).flatMap((event) =>
      event.kind === "state" ? [event.status] : [],
    );
  await expect.poll(statuses).toContain("running");
  process.kill(doomed.pid, "SIGKILL");
  const killed = await statuses();
  expect(killed).not.toContain("completed");

  const next = await connectStdio("v1 client", { stateDir, env });
  const answer = await next.call("get_task_run", { run_id: runId, wait_seconds: 45 });
  expect(answer.report).toMatchObject({ run_id: runId, status: "completed" });
  expect(answer.text).toContain("1234007");
  expect(await statuses()).toEqual(["queued", "running", "queued", "running", "completed"]);
  await db.destroy();
});

test("two servers on one state folder perform each of 200 runs exactly once and lose none", async () => {
  const stateDir = await temporaryFolder();
  const clients = await Promise.all([
    connectStdio("v1 client", { stateDir }),
    connectStdio("v2 client, 2026-07-28", { stateDir }),
  ]);
  const created = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      clients.map((client) =>
        client.call("create_task_run", { input: `What was the GDP of France in ${1900 + i}?` }),
      ),
    ).flat(),
  );
  const runIds = created.map(({ report }) => String(report["run_id"]));
  expect(new Set(runIds).size).toBe(200);
  const finished = await Promise.all(
    runIds.map((runId, i) => {
      const [first, second] = clients;
      return (i % 2 === 0 ? second : first).call("get_task_run", { run_id: runId });
    }),
  );
  for (const [i, result] of finished.entries()) {
    expect(result.report).toMatchObject({ run_id: runIds[i], status: "completed" });
  }
  const db = await openDatabase(join(stateDir, "engine.sqlite"));
  const rows = await db.selectFrom("runs").select(["run_id", "attempt", "status"]).execute();
  await db.destroy();
  expect(rows).toHaveLength(200);
  expect(rows.every((row) => row.attempt === 1 && row.status === "completed")).toBe(true);
});

test("an engine killed in the middle of its runs completes them after a restart", async () => {
  const stateDir = await temporaryFolder();
  const args = ["engine", "--documents", await manyDocuments(1_500)];
  const doomed = launch({ stateDir, args });
  const url = await firstLine(doomed);
  const create = async () => {
    const body = JSON.stringify({ input: "inhabitants of City 77", processor: "base" });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${url}/v1/tasks/runs`, { method: "POST", headers, body });
    const { run_id: runId }: { run_id: string } = JSON.parse(await answer.text());
    return runId;
  };
  const runIds = await Promise.all([create(), create(), create()]);
  doomed.kill("SIGKILL");
  await once(doomed, "exit");

  const restarted = await firstLine(launch({ stateDir, args }));
  for (const runId of runIds) {
    const result = await fetch(`${restarted}/v1/tasks/runs/${runId}/result?timeout=60`);
    expect(await result.json()).toMatchObject({ run: { run_id: runId, status: "completed" } });
  }
});

test("runs wait for the documents they were asked about, whichever server is running", async () => {
  const stateDir = await temporaryFolder();
  const own = join(await temporaryFolder(), "documents");
  await mkdir(own);
  await writeFile(join(own, "a.md"), "The mascot of the harbour is a grey seal named Otto.");
  const [examples, mine] = await Promise.all([
    connectStdio("v1 client", { stateDir, args: ["--documents", EXAMPLE_DOCUMENTS] }),
    connectStdio("v1 client", { stateDir, args: ["--documents", own] }),
  ]);
  const input = "Who is the mascot of the harbour?";
  const [elsewhere, here] = await Promise.all([
    examples.call("create_task_run", { input, wait_seconds: 30 }),
    mine.call("create_task_run", { input, wait_seconds: 30 }),
  ]);
  expect(here.text).toContain("Otto");
  expect(elsewhere.text).not.toContain("Otto");
});
