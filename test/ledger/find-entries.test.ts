import fc from "fast-check";
import { expect, test } from "vitest";
import { InvalidCursor } from "../../src/ledger/errors.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { load } from "../load.ts";
import { NOON, account, draft, look, taskRun } from "./drafts.ts";
import { createTime, openLedger, openStore, reservedEntries, start } from "./open-store.ts";

const questions = async (ledger: Ledger, query: Partial<Parameters<Ledger["list"]>[0]>) =>
  (await ledger.list({ limit: 100, ...query })).entries.map(({ question }) => question);

test("entries are listed newest first, by status, group and time", async () => {
  const time = createTime();
  const { ledger } = await openLedger({ now: time.now });
  await start(ledger, "run_1", draft("first", { taskgroupId: "tgrp_1" }));
  time.pass(1_000);
  await start(ledger, "run_2", draft("second"));
  time.pass(1_000);
  await start(ledger, "run_3", draft("third", { taskgroupId: "tgrp_1" }));
  await ledger.reserve([draft("fourth")]);
  await ledger.record("run_1", look(taskRun("run_1", { status: "failed", is_active: false })));
  await ledger.record(
    "run_2",
    look(taskRun("run_2", { status: "action_required", is_active: false })),
  );

  expect(await questions(ledger, {})).toEqual(["fourth", "third", "second", "first"]);
  expect(await questions(ledger, { status: "active" })).toEqual(["third"]);
  expect(await questions(ledger, { status: ["failed", "unknown"] })).toEqual(["fourth", "first"]);
  expect(await questions(ledger, { status: [] })).toEqual([]);
  expect(await questions(ledger, { taskgroupId: "tgrp_1" })).toEqual(["third", "first"]);
  expect(await questions(ledger, { sinceMs: NOON + 1_000 })).toEqual(["fourth", "third", "second"]);
  expect(await questions(ledger, { sinceMs: NOON + 1_000, untilMs: NOON + 2_000 })).toEqual([
    "second",
  ]);
});

test("text is found in whatever case, and every character means itself", async () => {
  const { ledger } = await openLedger();
  await ledger.reserve(["100% of ÄRZTE?", "100 of arzte", "a_b", "aXb"].map((text) => draft(text)));
  expect(await questions(ledger, { text: "ärzte" })).toEqual(["100% of ÄRZTE?"]);
  expect(await questions(ledger, { text: "100%" })).toEqual(["100% of ÄRZTE?"]);
  expect(await questions(ledger, { text: "%" })).toEqual(["100% of ÄRZTE?"]);
  expect(await questions(ledger, { text: "A_B" })).toEqual(["a_b"]);
  // The same letter, written as two.
  expect(await questions(ledger, { text: "A\u0308rzte" })).toEqual(["100% of ÄRZTE?"]);
});

test("pages go on where they stopped while another process adds runs", async () => {
  const { path, ledger } = await openLedger();
  const other = (await openStore({ path })).of(account);
  const numbers = Array.from({ length: 10 }, (_, index) => `question ${index}`);
  await ledger.reserve(numbers.map((text) => draft(text)));
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await ledger.list({ limit: 3, ...(cursor === null ? {} : { cursor }) });
    expect(page.entries.length).toBeLessThanOrEqual(3);
    seen.push(...page.entries.map(({ question }) => question));
    cursor = page.nextCursor;
    await other.reserve([draft("meanwhile")]);
  } while (cursor !== null);
  expect(seen).toEqual(numbers.toReversed());
});

test("a cursor of somebody's own making is refused", async () => {
  const { ledger } = await openLedger();
  for (const cursor of ["", "0", "-1", "1.5", "run_1", "1 or 1", "9".repeat(30)]) {
    await expect(ledger.list({ limit: 1, cursor })).rejects.toThrow(InvalidCursor);
  }
});

const STATUSES = ["queued", "running", "completed", "failed"] as const;
const word = fc.constantFrom("Acme", "acme", "ÄRZTE", "50%", "a_b", "%");

test("whatever is asked, the pages together are what a filter over all entries gives", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          question: fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(" ")),
          taskgroupId: fc.constantFrom(null, "a", "b"),
          status: fc.option(fc.constantFrom(...STATUSES)),
          waitMs: fc.nat({ max: 2 }),
        }),
        { maxLength: 25 },
      ),
      fc.record(
        {
          status: fc.oneof(
            fc.constant("active" as const),
            fc.subarray([...STATUSES, "unknown"], { minLength: 1 }),
          ),
          text: word,
          taskgroupId: fc.constantFrom("a", "b"),
          sinceMs: fc.nat({ max: 20 }).map((ms) => NOON + ms),
          untilMs: fc.nat({ max: 40 }).map((ms) => NOON + ms),
        },
        { requiredKeys: [] },
      ),
      fc.integer({ min: 1, max: 7 }),
      async (runs, query, limit) => {
        const time = createTime();
        const store = await openStore({ path: ":memory:", now: time.now });
        const ledger = store.of(account);
        const model: {
          index: number;
          question: string;
          status: string;
          group: string | null;
          createdMs: number;
        }[] = [];
        for (const [index, { question, taskgroupId, status, waitMs }] of runs.entries()) {
          time.pass(waitMs);
          const [entry] = reservedEntries(await ledger.reserve([draft(question, { taskgroupId })]));
          if (status !== null) {
            const run = taskRun(`run_${index}`, {
              status,
              is_active: status === "queued" || status === "running",
            });
            await ledger.accept([{ entryId: entry?.entryId ?? 0, run }]);
          }
          model.push({
            index: index + 1,
            question,
            status: status ?? "unknown",
            group: taskgroupId,
            createdMs: time.now(),
          });
        }
        const { status, text, taskgroupId, sinceMs, untilMs } = query;
        const expected = model
          .filter(
            (run) =>
              (status === undefined ||
                (status === "active" ? ["queued", "running"] : status).includes(run.status)) &&
              (text === undefined || run.question.toLowerCase().includes(text.toLowerCase())) &&
              (taskgroupId === undefined || run.group === taskgroupId) &&
              (sinceMs === undefined || run.createdMs >= sinceMs) &&
              (untilMs === undefined || run.createdMs < untilMs),
          )
          .map(({ index }) => index)
          .toReversed();

        const listed: number[] = [];
        let cursor: string | null = null;
        do {
          const page = await ledger.list({
            ...query,
            limit,
            ...(cursor === null ? {} : { cursor }),
          });
          listed.push(...page.entries.map(({ entryId }) => entryId));
          cursor = page.nextCursor;
          expect(page.entries).toHaveLength(
            cursor === null ? Math.min(page.entries.length, limit) : limit,
          );
        } while (cursor !== null);
        expect(listed).toEqual(expected);
        await store.close();
      },
    ),
    { numRuns: load({ full: 150, short: 25 }) },
  );
});
