import { setImmediate } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createExtractiveExecutor } from "../../../src/engine/executors/extractive/extractive-executor.ts";
import type { ProgressEvent } from "../../../src/task-api/run-event.ts";
import { createManualClock, type ManualClock } from "../../client/manual-clock.ts";
import { createDatabase, createFolder, createLog } from "../sources/document-fixtures.ts";
import { insertRun } from "./run-extractive.ts";

async function setUp(folders: string[], clock: ManualClock = createManualClock()) {
  const { db } = await createDatabase();
  const executor = await createExtractiveExecutor({ db, folders, log: createLog().log, clock });
  onTestFinished(() => executor.close?.());
  const events: ProgressEvent[] = [];
  const ask = async (input: string) =>
    executor.execute({
      runId: await insertRun(db),
      createdMs: Date.now(),
      input: { input, processor: "core" },
      previous: [],
      signal: new AbortController().signal,
      report: async (event) => {
        events.push(event);
      },
    });
  return { executor, clock, events, ask };
}

function messagesOf(events: readonly ProgressEvent[]): string[] {
  return events.flatMap((event) => ("message" in event ? [String(event.message)] : []));
}

function metersOf(events: readonly ProgressEvent[]): number[] {
  return events.flatMap((event) =>
    "progress_meter" in event ? [Number(event.progress_meter)] : [],
  );
}

function isIndexed(events: readonly ProgressEvent[]): boolean {
  return messagesOf(events).some((message) => message.startsWith("Indexed "));
}

test("a run answers from all folders, and its key names them", async () => {
  const rivers = await createFolder({ "zorn.md": "The river Zorn is 97 kilometres long.\n" });
  const lakes = await createFolder({ "lakes.csv": "lake,depth\nMirror Lake,41 metres\n" });
  const { executor, ask } = await setUp([rivers, lakes]);
  expect(executor.key).toBe(`extractive:${rivers},${lakes}`);
  expect((await ask("How long is the river Zorn?")).output.content).toContain("97 kilometres");
  expect((await ask("How deep is Mirror Lake?")).output.content).toContain("depth: 41 metres");
});

test("files that cannot be searched are named in one warning", async () => {
  const bad = Array.from({ length: 7 }, (_, index) => [`bad-${index}.pdf`, "no PDF"]);
  const folder = await createFolder({ "a.md": "Some text.", ...Object.fromEntries(bad) });
  const { ask } = await setUp([folder]);
  const warnings = (await ask("What is there?")).warnings.map(({ message }) => message);
  expect(warnings.filter((message) => message.includes("could not be searched"))).toEqual([
    expect.stringMatching(
      /^7 files could not be searched: bad-0\.pdf \(is no PDF, or a damaged one\), .*bad-4\.pdf \([^)]*\), and 2 more/,
    ),
  ]);
});

test("a run that waits for a large folder says how far the reading is, and then answers from all of it", async () => {
  const files = Array.from({ length: 300 }, (_, index) => [
    `${index}.md`,
    `Station ${index} has ${index + 1_000} lamps.`,
  ]);
  const { clock, events, ask } = await setUp([await createFolder(Object.fromEntries(files))]);
  const asking = ask("How many lamps has station 299?");
  let isOver = false;
  const ended = asking.finally(() => (isOver = true));
  while (!isOver) {
    await setImmediate();
    // The time for searching begins when the folder is read.
    if (!isIndexed(events)) clock.advance(2_000);
  }
  expect((await ended).output.content).toContain("1299 lamps");
  const messages = messagesOf(events);
  expect(messages).toContainEqual(expect.stringMatching(/^Indexing: \d+ of 300 documents read$/));
  expect(messages).toContain("Indexed 300 documents (300 read)");
  const meter = metersOf(events);
  expect(meter).toEqual(meter.toSorted((a, b) => a - b));
  expect(meter.some((percent) => percent > 0 && percent < 60)).toBe(true);
  // The search goes on where the index ended.
  expect(meter.some((percent) => percent > 60)).toBe(true);
});
