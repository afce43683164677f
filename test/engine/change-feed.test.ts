import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { RunInput } from "../../src/task-api/run-input.ts";
import { openRunStore } from "./open-run-store.ts";
import { temporaryFolder } from "./start-test-engine.ts";

const input: RunInput = { input: "What was the GDP of France in 2023?", processor: "base" };

/** What one process has on a database: its feed, and a way to change something. */
async function watch(path: string) {
  const { runs } = await openRunStore(path);
  const run = { input, tenantId: "default", taskgroupId: null, executorKey: "test", warnings: [] };
  return { feed: runs.changes, create: () => runs.accept([run]) };
}

test("a change is announced once: at once in its own process, and soon in another", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const path = join(await temporaryFolder(), "engine.sqlite");
  const [own, other] = [await watch(path), await watch(path)];
  // Opening the file a second time wrote to it, which the first notices once.
  await vi.advanceTimersByTimeAsync(300);
  const announced = { own: 0, other: 0 };
  own.feed.subscribeToAll(() => (announced.own += 1));
  other.feed.subscribeToAll(() => (announced.other += 1));

  await own.create();
  expect(announced).toEqual({ own: 1, other: 0 });
  await vi.advanceTimersByTimeAsync(300);
  await expect.poll(() => announced.other, { interval: 1 }).toBe(1);
  expect(announced).toEqual({ own: 1, other: 1 });

  // What was announced before is not announced again with what another process does.
  await other.create();
  await vi.advanceTimersByTimeAsync(300);
  await expect.poll(() => announced.own, { interval: 1 }).toBe(2);
  expect(announced).toEqual({ own: 2, other: 2 });
});
