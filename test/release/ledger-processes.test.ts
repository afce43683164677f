import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { account, draft } from "../ledger/drafts.ts";
import { ledgerPath, openStore } from "../ledger/open-store.ts";

const script = fileURLToPath(new URL("../ledger/ledger-process.ts", import.meta.url));

const Answer = z.looseObject({
  kind: z.string(),
  entries: z
    .array(z.object({ isNew: z.boolean(), entry: z.looseObject({ entryId: z.number() }) }))
    .default([]),
});

interface Order {
  questions: string[];
  priceUsd: number;
  idempotencyKey: string | null;
  budgetUsdPerDay?: number;
}

/** A real process with a ledger on the file; it is ready to reserve. */
async function startProcess(path: string) {
  const child = spawn(process.execPath, ["--import", "tsx", script, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const readLine = async () => z.string().parse((await lines.next()).value);
  expect(await readLine()).toBe("ready");
  return {
    async reserve(order: Order) {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      return Answer.parse(JSON.parse(await readLine()));
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

test("two processes that reserve the same keys at once start each run once", async () => {
  const path = await ledgerPath();
  const processes = await Promise.all([startProcess(path), startProcess(path)]);
  for (let round = 0; round < 30; round++) {
    const order = { questions: ["Who?"], priceUsd: 0.01, idempotencyKey: `k${round}` };
    const answers = await Promise.all(processes.map(({ reserve }) => reserve(order)));
    const places = answers.flatMap(({ entries }) => entries);
    expect(places.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(places[0]?.entry).toEqual(places[1]?.entry);
  }
});

test("two processes cannot both spend the last dollar", async () => {
  const path = await ledgerPath();
  const processes = await Promise.all([startProcess(path), startProcess(path)]);
  for (let budgetUsdPerDay = 1; budgetUsdPerDay <= 30; budgetUsdPerDay++) {
    const order = { questions: ["Who?"], priceUsd: 1, idempotencyKey: null, budgetUsdPerDay };
    const answers = await Promise.all(processes.map(({ reserve }) => reserve(order)));
    expect(answers.map(({ kind }) => kind).toSorted()).toEqual(["over_budget", "reserved"]);
  }
});

test("a process that is killed between reserving and sending leaves all its runs unknown", async () => {
  const path = await ledgerPath();
  const doomed = await startProcess(path);
  const questions = Array.from({ length: 300 }, (_, index) => `Question ${index}`);
  await doomed.reserve({ questions, priceUsd: 0.01, idempotencyKey: null });
  await doomed.kill();
  const ledger = (await openStore({ path })).of(account);
  const { entries } = await ledger.list({ status: ["unknown"], limit: 1_000 });
  expect(entries.map(({ question }) => question)).toEqual(questions.toReversed());
  expect(await ledger.spending()).toMatchObject({ totalUsd: 3 });
  expect(await ledger.reserve([draft("next")])).toMatchObject({ kind: "reserved" });
});
