import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { ExecutorDeps } from "../../../src/engine/executors/executor.ts";
import { createExecutor, type ExecutorSettings } from "../../../src/engine/executors/registry.ts";
import { createEvidenceStore } from "../../../src/engine/research/create-evidence-store.ts";
import { createDatabase, createFolder, createLog } from "../sources/document-fixtures.ts";

async function create(settings: ExecutorSettings) {
  const { db } = await createDatabase();
  const deps: ExecutorDeps = {
    db,
    evidence: createEvidenceStore(db),
    submissions: { find: async () => undefined },
    fetchFromRun: () => Promise.reject(new Error("not used")),
    log: createLog().log,
  };
  const executor = await createExecutor(settings, deps);
  onTestFinished(() => executor.close?.());
  return executor;
}

test("an executor is chosen by its settings, a script before a folder", async () => {
  const folder = await createFolder({ "script.yaml": "runs: []" });
  const extractive = { folders: [folder] };
  const scripted = { file: `${folder}/script.yaml` };
  expect((await create({ extractive })).key).toBe(`extractive:${folder}`);
  expect((await create({ extractive, scripted: undefined })).key).toBe(`extractive:${folder}`);
  expect((await create({ extractive, scripted })).key).toMatch(/^scripted:[\da-f]{16}$/);
});

test("an executor refuses settings that are not its own", async () => {
  await expect(create({ extractive: { folders: [] } })).rejects.toThrow(z.ZodError);
  await expect(create({ scripted: { path: "script.yaml" } })).rejects.toThrow(z.ZodError);
});

test("without settings of any executor the error names those that there are", async () => {
  await expect(create({})).rejects.toThrow("configure one of host, scripted, extractive");
});
