import { pino } from "pino";
const src = process.argv[2]!;
const { openDatabase } = await import(`${src}/database/open-database.ts`);
const { createExtractiveExecutor } = await import(`${src}/engine/executors/extractive.ts`);
const folder = process.argv[3] ?? "/work/main/examples/documents";
const db = await openDatabase(":memory:");
const ex = await createExtractiveExecutor({ db, folder, folders: [folder], log: pino({ level: "silent" }) });
const run = (i: number) => ex.execute({ runId: "t", createdMs: Date.now(), input: { input: `What was the GDP of France in ${1990 + (i % 40)}?`, processor: "base" }, previous: [], signal: new AbortController().signal, report: async () => {} });
for (let i = 0; i < 200; i++) await run(i);
const best: number[] = [];
for (let r = 0; r < 7; r++) {
  const c = process.cpuUsage();
  for (let i = 0; i < 1000; i++) await run(i);
  const { user, system } = process.cpuUsage(c);
  best.push((user + system) / 1000 / 1000);
}
console.log("ms CPU per run, min/median of 7:", Math.min(...best).toFixed(3), best.toSorted((a, b) => a - b)[3]!.toFixed(3));
process.exit(0);
