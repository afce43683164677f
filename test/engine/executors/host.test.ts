import { expect, test } from "vitest";
import { join } from "node:path";
import { call } from "../call-engine.ts";
import { clockAt, temporaryFolder } from "../start-test-engine.ts";
import { createFolder } from "../sources/document-fixtures.ts";
import { FILES, startHostEngine } from "./start-host-engine.ts";

const QUESTION = { input: "When was the Kestrel pump introduced?", processor: "base" };
const ANSWER = { output: "In 1987.", citations: { output: ["was introduced in 1987 by Orla"] } };

async function ask(engine: Awaited<ReturnType<typeof startHostEngine>>) {
  const { body } = await call(engine, "/v1/tasks/runs", QUESTION);
  const path = `/v1/tasks/runs/${body.run_id}`;
  // Waits until the run is no longer active.
  await call(engine, `${path}/result?timeout=30`);
  return path;
}

test("a run that asked is answered after a restart, and completes with what it had seen before", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const folder = await createFolder(FILES);
  const first = await startHostEngine({ databasePath, folder });
  const path = await ask(first);
  const { passages } = (await call(first, `${path}/answer`)).body;
  await first.close();
  const second = await startHostEngine({ databasePath, folder });
  expect((await call(second, `${path}/answer`)).body.passages).toEqual(passages);
  expect((await call(second, `${path}/answer`, ANSWER)).body.status).toBe("queued");
  const { body } = await call(second, `${path}/result?timeout=30`);
  expect(body.output).toMatchObject({ type: "text", content: "In 1987." });
  expect(body.output.basis[0].citations[0].excerpts).toEqual(["was introduced in 1987 by Orla"]);
  expect(body.run.warnings.map(({ message }: { message: string }) => message)).toEqual([
    expect.stringContaining("written by the agent"),
  ]);
});

test("an answer that was accepted before a crash completes the run afterwards", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const folder = await createFolder(FILES);
  const first = await startHostEngine({ databasePath, folder });
  const path = await ask(first);
  // Nobody performs runs here: what is accepted stays in the queue, as if this process had ended.
  const api = await startHostEngine({ databasePath, folder, performsRuns: false });
  await first.close();
  expect((await call(api, `${path}/answer`, ANSWER)).status).toBe(200);
  await api.close();
  const second = await startHostEngine({ databasePath, folder });
  const { body } = await call(second, `${path}/result?timeout=30`);
  expect(body.output.content).toBe("In 1987.");
});

test("without an answer the run fails at its deadline, and what it has seen is kept", async () => {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const folder = await createFolder(FILES);
  let ahead = 0;
  const clock = clockAt(() => Date.now() + ahead);
  const first = await startHostEngine({ databasePath, folder, clock, answerMinutes: 1 });
  const path = await ask(first);
  const { deadline } = (await call(first, `${path}/answer`)).body;
  expect(Date.parse(deadline)).toBeGreaterThan(Date.now());
  await first.close();
  ahead = 61_000;
  const second = await startHostEngine({ databasePath, folder, clock });
  await expect
    .poll(async () => (await call(second, path)).body.status, { timeout: 20_000 })
    .toBe("failed");
  expect((await call(second, `${path}/answer`, ANSWER)).status).toBe(409);
  const { passages } = (await call(second, `${path}/evidence?passage=p1.1`)).body;
  expect(JSON.stringify(passages)).toContain("Orla Brandt");
});

test("runs of a group are answered one by one", async () => {
  const engine = await startHostEngine();
  const { taskgroup_id } = (await call(engine, "/v1/tasks/groups", {})).body;
  const { run_ids } = (
    await call(engine, `/v1/tasks/groups/${taskgroup_id}/runs`, { inputs: [QUESTION, QUESTION] })
  ).body;
  for (const id of run_ids) {
    await call(engine, `/v1/tasks/runs/${id}/result?timeout=30`);
    expect((await call(engine, `/v1/tasks/runs/${id}/answer`, ANSWER)).status).toBe(200);
    await call(engine, `/v1/tasks/runs/${id}/result?timeout=30`);
  }
  const { body } = await call(engine, `/v1/tasks/groups/${taskgroup_id}`);
  expect(body.status.task_run_status_counts).toEqual({ completed: 2 });
});
