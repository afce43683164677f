import { sql } from "kysely";
import { pino } from "pino";
import { expect, test } from "vitest";
import { LedgerUnavailable } from "../../src/ledger/errors.ts";
import { draft, look, taskRun, textOutput } from "./drafts.ts";
import { createTime, openFile, openLedger, reservedEntries, start } from "./open-store.ts";

const running = (modifiedAt = "2026-11-24T12:00:10Z") =>
  taskRun("run_1", { status: "running", modified_at: modifiedAt });
const completed = taskRun("run_1", {
  status: "completed",
  is_active: false,
  modified_at: "2026-11-24T12:01:00Z",
});
const step = (message: string) => ({ kind: "search", message, timestamp: null });

test("a look at a run is kept: state, progress, the last steps, and the output once completed", async () => {
  const { ledger } = await openLedger();
  await start(ledger, "run_1");
  const steps = Array.from({ length: 30 }, (_, index) => step(`Step ${index} ${"x".repeat(500)}`));
  await ledger.record("run_1", look(running(), { percent: 40, messages: steps }));
  const seen = await ledger.find("run_1");
  expect(seen).toMatchObject({
    status: "running",
    isActive: true,
    percent: 40,
    modifiedAt: "2026-11-24T12:00:10.000Z",
    finishedAt: null,
  });
  expect(seen?.messages).toHaveLength(10);
  expect(seen?.messages.at(-1)?.message).toMatch(/^Step 29 x{191}…$/);

  await ledger.record("run_1", look(completed, { percent: 99, output: textOutput("Ada") }));
  expect(await ledger.find("run_1")).toMatchObject({
    status: "completed",
    isActive: false,
    percent: 100,
    finishedAt: "2026-11-24T12:01:00.000Z",
    messages: seen?.messages,
  });
  expect(await ledger.readOutput("run_1")).toEqual(textOutput("Ada"));
});

test("an output that is read after the run's end is still kept", async () => {
  const { ledger } = await openLedger();
  await start(ledger, "run_1");
  await ledger.record("run_1", look(completed));
  expect(await ledger.readOutput("run_1")).toBeNull();
  await ledger.record("run_1", look(completed, { output: textOutput("Ada") }));
  expect(await ledger.readOutput("run_1")).toEqual(textOutput("Ada"));
});

test("a failed run keeps its reason, and no output", async () => {
  const { ledger } = await openLedger();
  await start(ledger, "run_1");
  const failed = taskRun("run_1", {
    status: "failed",
    is_active: false,
    error: { message: "no sources" },
  });
  await ledger.record("run_1", look(failed, { output: textOutput("?") }));
  expect(await ledger.find("run_1")).toMatchObject({
    status: "failed",
    error: "no sources",
    finishedAt: "2026-11-24T12:00:00.000Z",
  });
  expect(await ledger.readOutput("run_1")).toBeNull();
});

test("a terminal state never changes, whichever process looks", async () => {
  const { path, ledger } = await openLedger();
  const other = (await openLedger({ path })).ledger;
  await start(ledger, "run_1");
  await ledger.record("run_1", look(completed));
  const ended = await ledger.find("run_1");
  for (const status of ["running", "failed", "cancelled"]) {
    const run = { ...completed, status, modified_at: "2026-11-24T13:00:00Z" };
    await ledger.record("run_1", look(run, { percent: 1, messages: [step("late")] }));
    await other.record("run_1", look(run, { percent: 1, messages: [step("late")] }));
  }
  expect(await ledger.find("run_1")).toEqual(ended);
});

test("a look that is older than the last one changes nothing", async () => {
  const { ledger } = await openLedger();
  await start(ledger, "run_1");
  await ledger.record("run_1", look(running("2026-11-24T12:00:10Z")));
  await ledger.record("run_1", look(taskRun("run_1", { modified_at: "2026-11-24T12:00:09Z" })));
  expect(await ledger.find("run_1")).toMatchObject({ status: "running" });
});

test("a process that follows later and knows less takes no progress and no steps away", async () => {
  const { path, ledger } = await openLedger();
  const later = (await openLedger({ path })).ledger;
  await start(ledger, "run_1");
  await ledger.record("run_1", look(running(), { percent: 60, messages: [step("read")] }));
  await later.record("run_1", look(running(), { percent: 5 }));
  expect(await ledger.find("run_1")).toMatchObject({ percent: 60, messages: [step("read")] });
});

test("progress is written at most every five seconds, a new status at once", async () => {
  const time = createTime();
  const { ledger } = await openLedger({ now: time.now });
  await start(ledger, "run_1");
  const percent = async () => (await ledger.find("run_1"))?.percent;
  await ledger.record("run_1", look(running(), { percent: 1 }));
  for (let tick = 1; tick <= 49; tick++) {
    time.pass(100);
    await ledger.record("run_1", look(running(), { percent: 1 + tick }));
  }
  expect(await percent()).toBe(1);
  time.pass(100);
  await ledger.record("run_1", look(running(), { percent: 80 }));
  expect(await percent()).toBe(80);
  await ledger.record("run_1", look({ ...running(), status: "cancelling" }, { percent: 90 }));
  expect(await ledger.find("run_1")).toMatchObject({ status: "cancelling", percent: 90 });
  await ledger.record("run_1", look(completed));
  expect(await ledger.find("run_1")).toMatchObject({ status: "completed", percent: 100 });
});

test("a run without an entry is ignored, until it has one", async () => {
  const { ledger } = await openLedger();
  await ledger.record("run_1", look(completed, { output: textOutput("Ada") }));
  expect(await ledger.find("run_1")).toBeNull();
  await start(ledger, "run_1");
  await ledger.record("run_1", look(completed, { output: textOutput("Ada") }));
  expect(await ledger.find("run_1")).toMatchObject({ status: "completed" });
  expect(await ledger.readOutput("run_1")).toEqual(textOutput("Ada"));
});

test("a status this program does not know is kept as the backend says it", async () => {
  const { ledger } = await openLedger();
  await start(ledger, "run_1");
  await ledger.record("run_1", look({ ...running(), status: "paused" }));
  expect(await ledger.find("run_1")).toMatchObject({ status: "paused", isActive: true });
});

test("notes under way are written before the store closes", async () => {
  const { path, store, ledger } = await openLedger();
  await start(ledger, "run_1");
  void ledger.record("run_1", look(completed, { output: textOutput("Ada") }));
  await store.close();
  const later = (await openLedger({ path })).ledger;
  expect(await later.find("run_1")).toMatchObject({ status: "completed" });
  expect(await later.readOutput("run_1")).toEqual(textOutput("Ada"));
});

test("when the file is broken, notes are logged once per cause and swallowed; whoever asks gets LedgerUnavailable", async () => {
  const lines: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
  const { path, ledger } = await openLedger({ log });
  await start(ledger, "run_1");
  const [entry] = reservedEntries(await ledger.reserve([draft("Who?")]));
  await sql`drop table outputs`.execute(await openFile(path));
  await sql`drop table entries`.execute(await openFile(path));

  for (let round = 0; round < 3; round++) {
    await ledger.record("run_1", look(running(), { percent: round }));
    await ledger.accept([{ entryId: entry?.entryId ?? 0, run: taskRun("run_2") }]);
    await ledger.release([entry?.entryId ?? 0]);
  }
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/no such table/);

  for (const asking of [
    () => ledger.reserve([draft("Who?")]),
    () => ledger.find("run_1"),
    () => ledger.findByKey("k"),
    () => ledger.readOutput("run_1"),
    () => ledger.list({ limit: 1 }),
    () => ledger.spending(),
  ]) {
    await expect(asking()).rejects.toThrow(LedgerUnavailable);
  }
});
