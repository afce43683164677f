import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { call } from "./call-engine.ts";
import { deferred, startTestEngine, temporaryFolder, untilAborted } from "./start-test-engine.ts";

/** An engine whose run works until it is told to stop, and the reason with which it is. */
async function startWorking() {
  const databasePath = join(await temporaryFolder(), "engine.sqlite");
  const started = deferred();
  const stopped = deferred<unknown>();
  const engine = await startTestEngine(
    async ({ signal }) => {
      signal.addEventListener("abort", () => stopped.resolve(signal.reason));
      started.resolve();
      return untilAborted(signal);
    },
    { databasePath },
  );
  const { body: run } = await call(engine, "/v1/tasks/runs", { input: "q", processor: "base" });
  const runId: string = run.run_id;
  await started.promise;
  const statusInTheEnd = async () => {
    await call(engine, `/v1/tasks/runs/${runId}/result?timeout=20`);
    return (await call(engine, `/v1/tasks/runs/${runId}`)).body.status;
  };
  return { engine, databasePath, runId, stopped: stopped.promise, statusInTheEnd };
}

test("a cancel aborts the signal of the executor in the same process", async () => {
  const { engine, runId, stopped, statusInTheEnd } = await startWorking();
  const { body } = await call(engine, `/v1/tasks/runs/${runId}/cancel`, {});
  expect(body.status).toBe("cancelling");
  expect(await stopped).toMatchObject({ name: "CancelRequested" });
  expect(await statusInTheEnd()).toBe("cancelled");
});

test("a cancel in another process on the same database aborts it too", async () => {
  const { databasePath, runId, stopped, statusInTheEnd } = await startWorking();
  const script = fileURLToPath(new URL("cancel-process.ts", import.meta.url));
  const args = ["--import", "tsx", script, databasePath, runId];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout)).toMatchObject({ run_id: runId, status: "cancelling" });
  expect(await stopped).toMatchObject({ name: "CancelRequested" });
  expect(await statusInTheEnd()).toBe("cancelled");
});
