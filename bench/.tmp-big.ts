import { mkdir, mkdtemp, writeFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { pino } from "pino";
const src = process.argv[2]!;
const HERE = import.meta; const N = Number(process.argv[3] ?? 10000);
const { openDatabase } = await import(`${src}/database/open-database.ts`);
const { createExtractiveExecutor } = await import(`${src}/engine/executors/extractive.ts`);
const dir = await mkdtemp(join(tmpdir(), "big-"));
const words = "harbour tide ledger copper willow station archive valley lantern glacier orchard engine council meadow signal bridge kettle marble thunder velvet".split(" ");
let seed = 7; const rnd = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
for (let d = 0; d < 100; d++) { await mkdir(join(dir, `d${d}`)); await Promise.all(Array.from({ length: N / 100 }, (_, i) => { const para = () => Array.from({ length: 60 }, () => words[Math.floor(rnd() * words.length)]).join(" ") + "."; return writeFile(join(dir, `d${d}`, `f${i}.md`), `# Report ${d}-${i}\n\nThe station ${d}-${i} has ${d * 100 + i} lamps.\n\n## Part\n\n${para()}\n\n## Other\n\n${para()} ${para()}\n`); })); }
const db = await openDatabase(join(dir, ".state.db"));
const ex = await createExtractiveExecutor({ db, folder: dir, folders: [dir], log: pino({ level: "silent" }) });
const msgs: string[] = [];
const run = (q: string) => ex.execute({ runId: "t", createdMs: Date.now(), input: { input: q, processor: "base" }, previous: [], signal: new AbortController().signal, report: async (e: any) => { if (e.message) msgs.push(e.message); } });
const h = monitorEventLoopDelay({ resolution: 1 }); h.enable();
let t = performance.now();
const first = await run("How many lamps has the station 5-17?");
console.log("first run (indexes)", Math.round(performance.now() - t), "ms; loop delay p50/p99/max", [h.percentile(50), h.percentile(99), h.max].map((x) => (x / 1e6).toFixed(1)));
console.log(msgs.slice(0, 12).join(" | ")); console.log(first.output.content.slice(0, 150));
h.disable();
for (const q of ["How many lamps has the station 5-17?", "How many lamps has the station 7-12?", "How many lamps has the station 7-13?"]) { t = performance.now(); const c = process.cpuUsage(); await run(q); const u = process.cpuUsage(c); console.log("run", Math.round(performance.now() - t), "ms cpu", (u.user + u.system) / 1000); }
const c = process.cpuUsage(); t = performance.now(); for (let i = 0; i < 20; i++) await run("How many lamps has the station 5-17?"); const u = process.cpuUsage(c); console.log("20 runs: ms each", (performance.now() - t) / 20, "cpu each", (u.user + u.system) / 20000);
await writeFile(join(dir, "d3", "new.md"), "# New\n\nThe station Zumo has 77 lamps.\n");
t = performance.now(); const r = await run("How many lamps has the station Zumo?"); console.log("after a new file:", Math.round(performance.now() - t), "ms", r.output.content.slice(0, 60));
t = performance.now(); const cp = process.cpuUsage(); await run("How many lamps has the station Zumo?"); const up = process.cpuUsage(cp); console.log("again", Math.round(performance.now() - t), "ms", (up.user + up.system) / 1000);
await ex.close?.(); await db.destroy(); await rm(dir, { recursive: true, force: true });
