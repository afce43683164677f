// A process with a ledger of its own on the file whose path it is given. It says "ready", reads one line of JSON
// (drafts and limits), reserves, writes the reservation as a line of JSON, and stays until its input ends.
import { createInterface } from "node:readline";
import { pino } from "pino";
import { z } from "zod";
import { openLedgerStore } from "../../src/ledger/open-ledger-store.ts";
import { NOON, account, draft } from "./drafts.ts";

const Order = z.object({
  questions: z.array(z.string()),
  priceUsd: z.number(),
  idempotencyKey: z.string().nullable(),
  budgetUsdPerDay: z.number().optional(),
});

const store = await openLedgerStore({
  path: process.argv[2] ?? "",
  now: () => NOON,
  log: pino({ level: "silent" }),
});
const write = (line: string) => process.stdout.write(`${line}\n`);
write("ready");
for await (const line of createInterface(process.stdin)) {
  const { questions, priceUsd, idempotencyKey, budgetUsdPerDay } = Order.parse(JSON.parse(line));
  const drafts = questions.map((question) => draft(question, { priceUsd, idempotencyKey }));
  write(JSON.stringify(await store.of(account).reserve(drafts, { budgetUsdPerDay })));
}
await store.close();
