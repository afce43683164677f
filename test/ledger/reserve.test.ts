import { expect, test } from "vitest";
import { fingerprintRequest } from "../../src/ledger/fingerprint-request.ts";
import { account, draft, look, taskRun } from "./drafts.ts";
import {
  createTime,
  ledgerPath,
  openLedger,
  openStore,
  reservedEntries,
  start,
} from "./open-store.ts";

test("a reserved run is unknown until the backend's answer is noted", async () => {
  const { ledger } = await openLedger();
  const [entry] = reservedEntries(
    await ledger.reserve([draft("Who founded Acme?", { idempotencyKey: "k", taskgroupId: "g" })]),
  );
  expect(entry).toEqual({
    entryId: 1,
    fingerprint: expect.any(String),
    runId: null,
    isBeingSent: true,
    taskgroupId: "g",
    interactionId: null,
    retryOf: null,
    question: "Who founded Acme?",
    processor: "base",
    priceUsd: 0.01,
    idempotencyKey: "k",
    status: "unknown",
    isActive: false,
    createdAt: "2026-11-24T12:00:00.000Z",
    modifiedAt: "2026-11-24T12:00:00.000Z",
    finishedAt: null,
    writtenAt: "2026-11-24T12:00:00.000Z",
    error: null,
    percent: null,
    messages: [],
  });
  expect(await ledger.findByKey("k")).toEqual(entry);

  const run = taskRun("run_1", {
    interaction_id: "int_1",
    modified_at: "2026-11-24T12:00:01.500000Z",
  });
  await ledger.accept([{ entryId: 1, run }]);
  expect(await ledger.find("run_1")).toEqual({
    ...entry,
    runId: "run_1",
    isBeingSent: false,
    interactionId: "int_1",
    status: "queued",
    isActive: true,
    modifiedAt: "2026-11-24T12:00:01.500Z",
  });
});

test("a thousand runs of a group are reserved and accepted at once, in their order", async () => {
  const { ledger } = await openLedger();
  const drafts = Array.from({ length: 1_000 }, (_, row) =>
    draft(`Row ${row}`, { taskgroupId: "tgrp_1", idempotencyKey: `rows/${row}` }),
  );
  const entries = reservedEntries(await ledger.reserve(drafts));
  expect(entries.map(({ question }) => question)).toEqual(drafts.map(({ input }) => input.input));
  await ledger.accept(
    entries.map(({ entryId }, row) => ({ entryId, run: { run_id: `run_${row}` } })),
  );
  expect(await ledger.find("run_999")).toMatchObject({
    question: "Row 999",
    status: "queued",
    isActive: true,
  });
  expect((await ledger.list({ status: ["unknown"], limit: 10 })).entries).toEqual([]);
  const again = await ledger.reserve(drafts);
  if (again.kind !== "reserved") throw new Error(again.kind);
  expect(again.entries.every(({ isNew }) => !isNew)).toBe(true);
  expect(again.entries.map(({ entry }) => entry.runId)).toEqual(
    drafts.map((_, row) => `run_${row}`),
  );
});

test("a run that was surely not accepted leaves nothing; its key and its money are free again", async () => {
  const { ledger } = await openLedger();
  const keyed = draft("Who?", { idempotencyKey: "k", priceUsd: 1 });
  const [entry] = reservedEntries(await ledger.reserve([keyed]));
  await ledger.release([entry?.entryId ?? 0]);
  expect(await ledger.findByKey("k")).toBeNull();
  expect(await ledger.reserve([keyed], { budgetUsdPerDay: 1 })).toMatchObject({
    kind: "reserved",
    entries: [{ isNew: true, entry: { entryId: 2 } }],
  });
});

test("a run that was accepted cannot be released", async () => {
  const { ledger } = await openLedger();
  await start(ledger, "run_1");
  const before = await ledger.find("run_1");
  await ledger.release([before?.entryId ?? 0]);
  expect(await ledger.find("run_1")).toEqual(before);
});

test("a backend that answers with a run that is known started no second one", async () => {
  const { ledger } = await openLedger();
  await start(ledger, "run_1", draft("Who?", { idempotencyKey: "a" }));
  const before = await ledger.find("run_1");
  await start(ledger, "run_1", draft("Who?", { idempotencyKey: "b" }));
  expect((await ledger.list({ limit: 10 })).entries).toEqual([before]);
});

test("an answer is noted once: a later one does not move the entry to another run", async () => {
  const { ledger } = await openLedger();
  const [entry] = reservedEntries(await ledger.reserve([draft("Who?")]));
  const entryId = entry?.entryId ?? 0;
  await ledger.accept([{ entryId, run: taskRun("run_1") }]);
  await ledger.accept([{ entryId, run: taskRun("run_2") }]);
  expect(await ledger.find("run_1")).toMatchObject({ entryId });
  expect(await ledger.find("run_2")).toBeNull();
});

test("the same key and the same request are the same run, in whatever order the request was written", async () => {
  const { ledger } = await openLedger();
  const input = { input: { company: "Acme", year: 1999 }, processor: "base" };
  await start(ledger, "run_1", draft("", { input, idempotencyKey: "k" }));
  const reordered = { processor: "base", input: { year: 1999, company: "Acme" } };
  const again = await ledger.reserve([draft("", { input: reordered, idempotencyKey: "k" })]);
  expect(again).toEqual({
    kind: "reserved",
    entries: [{ entry: await ledger.find("run_1"), isNew: false }],
  });
});

test("a key with another request is a conflict, and nothing of the call is written", async () => {
  const { ledger } = await openLedger();
  await start(ledger, "run_1", draft("Who?", { idempotencyKey: "k" }));
  const kept = await ledger.find("run_1");
  expect(await ledger.reserve([draft("New"), draft("What?", { idempotencyKey: "k" })])).toEqual({
    kind: "key_conflict",
    index: 1,
    idempotencyKey: "k",
    entry: kept,
  });
  expect((await ledger.list({ limit: 10 })).entries).toEqual([kept]);
});

test("within one call, a key stands for one request", async () => {
  const { ledger } = await openLedger();
  const keyed = (question: string) => draft(question, { idempotencyKey: "k", priceUsd: 1 });
  expect(await ledger.reserve([keyed("Who?"), draft("New"), keyed("What?")])).toEqual({
    kind: "key_conflict",
    index: 2,
    idempotencyKey: "k",
    entry: null,
  });
  expect(
    await ledger.reserve([keyed("Who?"), keyed("Who?")], { budgetUsdPerDay: 1 }),
  ).toMatchObject({
    kind: "reserved",
    entries: [
      { isNew: true, entry: { entryId: 1 } },
      { isNew: false, entry: { entryId: 1 } },
    ],
  });
});

test("scopes share neither runs nor keys", async () => {
  const { store, ledger } = await openLedger();
  const others = [
    { ...account, backend: "embedded" },
    { ...account, keyFingerprint: "fedcba9876543210" },
    { ...account, keyFingerprint: null },
    { ...account, principal: "alice" },
  ].map((scope) => store.of(scope));
  const keyed = draft("Who?", { idempotencyKey: "k" });
  await start(ledger, "run_1", keyed);
  for (const other of others) {
    expect(await other.find("run_1")).toBeNull();
    expect(await other.findByKey("k")).toBeNull();
    expect((await other.list({ limit: 10 })).entries).toEqual([]);
    await other.record("run_1", look(taskRun("run_1", { status: "failed", is_active: false })));
    await start(other, "run_1", keyed);
  }
  const [entry] = reservedEntries(await ledger.reserve([draft("What?")]));
  const entryId = entry?.entryId ?? 0;
  await others[0]?.accept([{ entryId, run: taskRun("run_2") }]);
  await others[0]?.release([entryId]);
  expect((await ledger.list({ status: ["unknown"], limit: 10 })).entries).toEqual([entry]);
  expect(await ledger.find("run_1")).toMatchObject({ status: "queued" });
});

test("a budget can be spent to its last cent, and not further that day", async () => {
  const time = createTime();
  const { ledger } = await openLedger({ now: time.now });
  const dime = draft("Who?", { priceUsd: 0.1 });
  const limits = { budgetUsdPerDay: 0.3 };
  // In binary fractions, three times 0.1 is more than 0.3.
  await ledger.reserve([dime, dime], limits);
  expect(await ledger.reserve([dime, dime], limits)).toEqual({
    kind: "over_budget",
    spentUsd: 0.2,
    askedUsd: 0.2,
    budgetUsd: 0.3,
  });
  expect(await ledger.reserve([dime], limits)).toMatchObject({ kind: "reserved" });
  expect(await ledger.reserve([dime], limits)).toMatchObject({ kind: "over_budget" });
  expect(await ledger.reserve([draft("Free?", { priceUsd: 0 })], limits)).toMatchObject({
    kind: "reserved",
  });
  expect((await ledger.list({ limit: 10 })).entries).toHaveLength(4);
  time.pass(12 * 3_600_000 - 1);
  expect(await ledger.reserve([dime], limits)).toMatchObject({ kind: "over_budget" });
  time.pass(1);
  expect(await ledger.reserve([dime], limits)).toMatchObject({ kind: "reserved" });
});

test("a budget is the account's, and a known run asks for nothing", async () => {
  const { store, ledger } = await openLedger();
  const dollar = draft("Who?", { priceUsd: 1, idempotencyKey: "k" });
  const limits = { budgetUsdPerDay: 1 };
  await ledger.reserve([dollar], limits);
  expect(await ledger.reserve([dollar], limits)).toMatchObject({ entries: [{ isNew: false }] });
  const alice = store.of({ ...account, principal: "alice" });
  expect(await alice.reserve([dollar], limits)).toMatchObject({ kind: "over_budget", spentUsd: 1 });
  const elsewhere = store.of({ ...account, backend: "embedded" });
  expect(await elsewhere.reserve([dollar], limits)).toMatchObject({ kind: "reserved" });
});

test("runs that failed or were cancelled give their money back to the budget", async () => {
  const { ledger } = await openLedger();
  const dollar = draft("Who?", { priceUsd: 1 });
  for (const status of ["failed", "cancelled"]) {
    await start(ledger, status, dollar);
    await ledger.record(status, look(taskRun(status, { status, is_active: false })));
  }
  expect(await ledger.reserve([dollar], { budgetUsdPerDay: 1 })).toMatchObject({
    kind: "reserved",
  });
});

test("of two stores on one file that reserve one key at once, exactly one has the new run", async () => {
  const path = await ledgerPath();
  const stores = await Promise.all([openStore({ path }), openStore({ path })]);
  for (let round = 0; round < 20; round++) {
    const keyed = draft("Who?", { idempotencyKey: `k${round}` });
    const reservations = await Promise.all(
      stores.map((store) => store.of(account).reserve([keyed])),
    );
    const places = reservations.flatMap((reservation) =>
      reservation.kind === "reserved" ? reservation.entries : [],
    );
    expect(places.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(places[0]?.entry).toEqual(places[1]?.entry);
  }
});

test("of two stores on one file, one gets the last dollar", async () => {
  const path = await ledgerPath();
  const stores = await Promise.all([openStore({ path }), openStore({ path })]);
  const kinds = await Promise.all(
    Array.from({ length: 40 }, async (_, ask) => {
      const ledger = stores[ask % 2]?.of(account);
      const reservation = await ledger?.reserve([draft("Who?", { priceUsd: 1 })], {
        budgetUsdPerDay: 7,
      });
      return reservation?.kind;
    }),
  );
  expect(kinds.filter((kind) => kind === "reserved")).toHaveLength(7);
  expect(kinds.filter((kind) => kind === "over_budget")).toHaveLength(33);
});

test("a question is kept up to 2,000 characters, and never half a character", async () => {
  const { ledger } = await openLedger();
  const [long, object] = reservedEntries(
    await ledger.reserve([
      draft(`${"x".repeat(1_998)}🙂🙂`),
      draft("", { input: { input: { company: "Acme" }, processor: "base" } }),
    ]),
  );
  expect(long?.question).toBe(`${"x".repeat(1_998)}…`);
  expect(object?.question).toBe('{"company":"Acme"}');
});

test("a fingerprint knows every part of a request and no order of keys", () => {
  const request = { input: "Who?", processor: "base", metadata: { a: 1, b: [1, { c: 2, d: 3 }] } };
  const same = { metadata: { b: [1, { d: 3, c: 2 }], a: 1 }, processor: "base", input: "Who?" };
  expect(fingerprintRequest(same)).toBe(fingerprintRequest(request));
  for (const other of [
    { ...request, input: "who?" },
    { ...request, metadata: { a: 1, b: [{ c: 2, d: 3 }, 1] } },
    { input: "Who?", processor: "base" },
  ]) {
    expect(fingerprintRequest(other)).not.toBe(fingerprintRequest(request));
  }
});
