import { expect, test } from "vitest";
import { fingerprintRequest } from "../../src/ledger/fingerprint-request.ts";
import type { StartRunRequest } from "../../src/ledger/ledger.ts";
import { account, draft, look, taskRun } from "./drafts.ts";
import { createTime, openLedger, openStore } from "./open-store.ts";

const fingerprint = fingerprintRequest({ inputs: ["a", "b"] });

test("a request about a group is found by its key, whatever else is asked about the group", async () => {
  const time = createTime();
  const { ledger } = await openLedger({ now: time.now });
  const create = { taskgroupId: "tgrp_1", idempotencyKey: "k", fingerprint, size: 2 };
  const created = { ...create, createdAt: "2026-11-24T12:00:00.000Z" };
  expect(await ledger.rememberGroup(create)).toEqual({ request: created, isNew: true });
  time.pass(1_000);
  await ledger.rememberGroup({ ...create, idempotencyKey: null, size: 5 });
  await ledger.rememberGroup({ ...create, idempotencyKey: null, size: 5 });
  expect(await ledger.findGroupRequest("k")).toEqual(created);
  expect(await ledger.findGroupRequest("other")).toBeNull();
});

test("of two processes' groups with one key, the first is the group, for both", async () => {
  const { path, ledger } = await openLedger();
  const other = (await openStore({ path })).of(account);
  const request = { idempotencyKey: "k", fingerprint, size: 2 };
  const answers = await Promise.all([
    ledger.rememberGroup({ ...request, taskgroupId: "tgrp_1" }),
    other.rememberGroup({ ...request, taskgroupId: "tgrp_2" }),
  ]);
  expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect(answers[0].request).toEqual(answers[1].request);
});

test("scopes share no groups", async () => {
  const { store, ledger } = await openLedger();
  const alice = store.of({ ...account, principal: "alice" });
  const request = { taskgroupId: "tgrp_1", idempotencyKey: "k", fingerprint, size: 2 };
  await ledger.rememberGroup(request);
  expect(await alice.findGroupRequest("k")).toBeNull();
  expect(await alice.rememberGroup(request)).toMatchObject({ isNew: true });
});

test("the retries of a group are told with what they run again, as far as they were accepted", async () => {
  const { ledger } = await openLedger();
  const reserve = (question: string, rest: Partial<StartRunRequest>) =>
    ledger.reserve([draft(question, { taskgroupId: "tgrp_1", ...rest })]);
  const first = await reserve("a", {});
  const again = await reserve("a", { retryOf: "run_1" });
  await reserve("b", { retryOf: "run_2" });
  await reserve("a", { taskgroupId: "tgrp_2", retryOf: "run_1" });
  expect(first).toMatchObject({ entries: [{ entry: { retryOf: null } }] });
  expect(again).toMatchObject({ entries: [{ entry: { retryOf: "run_1" } }] });
  expect(await ledger.listRetries("tgrp_1")).toEqual([]);
  const [retry] = again.kind === "reserved" ? again.entries : [];
  await ledger.accept([{ entryId: retry?.entry.entryId ?? 0, run: { run_id: "run_3" } }]);
  await ledger.record("run_3", look(taskRun("run_3", { status: "completed", is_active: false })));
  expect(await ledger.listRetries("tgrp_1")).toEqual([
    { runId: "run_3", retryOf: "run_1", status: "completed" },
  ]);

  const third = await reserve("a", { retryOf: "run_3" });
  const newest = { runId: "run_4", retryOf: "run_3", status: "unknown" };
  expect(await ledger.findRetriedAs(["run_1", "run_2"])).toMatchObject(
    new Map([["run_1", { runId: "run_3" }]]),
  );
  const [last] = third.kind === "reserved" ? third.entries : [];
  await ledger.accept([{ entryId: last?.entry.entryId ?? 0, run: { run_id: "run_4" } }]);
  const retried = await ledger.findRetriedAs(["run_1", "run_2", "run_3", "run_4"]);
  expect([...retried.keys()]).toEqual(["run_1", "run_3"]);
  expect(retried.get("run_1")).toMatchObject({ ...newest, status: expect.any(String) });
});
