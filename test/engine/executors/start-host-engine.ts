import { systemClock, type Clock } from "../../../src/runtime/clock.ts";
import type { EngineDeps } from "../../../src/engine/engine.ts";
import { createHostExecutor } from "../../../src/engine/executors/host/host-executor.ts";
import { openDocumentLibrary } from "../../../src/engine/sources/folder/document-library.ts";
import { createFolder } from "../sources/document-fixtures.ts";
import { silentLog, startTestEngine } from "../start-test-engine.ts";

/** What the runs of these tests research. */
export const FILES = {
  "pump.md":
    "# Kestrel pump\n\nThe Kestrel pump was introduced in 1987 by Orla Brandt.\n\nIt draws 2,450 watts and must not run dry.\n",
  "garden.md": "# Gardens\n\nA hedge of yew is cut once a year, in August.\n",
};

/** The real engine whose runs ask for their answer; closed when the test ends. */
export async function startHostEngine({
  clock = systemClock,
  answerMinutes,
  files = FILES,
  folder,
  ...options
}: {
  clock?: Clock;
  answerMinutes?: number;
  files?: Record<string, string>;
  folder?: string;
} & Partial<EngineDeps> = {}) {
  const documents = folder ?? (await createFolder(files));
  return startTestEngine(() => Promise.reject(new Error("not used")), {
    createExecutor: async ({ db, evidence, submissions }) =>
      createHostExecutor({
        library: await openDocumentLibrary(db, [documents], silentLog),
        evidence,
        submissions,
        answerMinutes,
        clock,
      }),
    clock,
    ...options,
  });
}
