// Runs every bench, one after the other, and writes what they measured to bench/results.json, as a table and plots to
// docs/performance.md. Run it with `npm run bench`, on a machine that does nothing else meanwhile.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type Figure, figureText } from "./figures.ts";
import { plotBars } from "./plot-bars.ts";

const BENCHES = ["cold-start", "engine", "cancel", "bridge", "retrieval", "agent-tokens"];
const ABOUT: Record<string, string> = {
  "cold-start": "How long a host waits for the tools, beside the least that is possible.",
  engine: "The built-in engine as a process, over loopback HTTP, on its extractive executor.",
  cancel: "From the sending of a cancel until the executor's signal aborts.",
  bridge: "The MCP server over HTTP with authentication and all checks on.",
  retrieval: "How well the extractive executor finds answers in documents written for it.",
  "agent-tokens":
    "What agents pay for reading: tokens (o200k) of twenty typical answers and of `tools/list`, beside those of the commit in `bench/agent-tokens.json`. The answers stand in `test/mcp/transcripts/`; `npm run bench:agent-tokens` counts them alone.",
};

const HERE = fileURLToPath(new URL(".", import.meta.url));
const DOCS = fileURLToPath(new URL("../docs", import.meta.url));

const Measured = z.object({
  bench: z.string(),
  figures: z.array(
    z.object({
      figure: z.string(),
      value: z.number(),
      unit: z.string(),
      before: z.number().optional(),
    }),
  ),
});
type Measured = z.infer<typeof Measured>;

async function runBench(name: string, folder: string): Promise<Measured> {
  console.log(`\n=== ${name}`);
  const file = join(folder, `${name}.jsonl`);
  const child = spawn("npx", ["tsx", join(HERE, `${name}.ts`)], {
    env: { ...process.env, BENCH_FIGURES_FILE: file },
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  const [code] = z
    .tuple([z.number().nullable()])
    .rest(z.unknown())
    .parse(await once(child, "exit"));
  if (code !== 0) throw new Error(`The bench ${name} failed`);
  const lines = (await readFile(file, "utf8")).trim().split("\n");
  const all = lines.map((line) => Measured.parse(JSON.parse(line)));
  return { bench: name, figures: all.flatMap(({ figures }) => figures) };
}

const machine = {
  date: new Date().toISOString().slice(0, 10),
  node: process.versions.node,
  platform: `${process.platform} ${process.arch}`,
  cpu: `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown"}`,
  memory_gib: Math.round(totalmem() / 2 ** 30),
};

function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => `| ${figure.figure} | ${figureText(figure)} |`);
  return ["| figure | value |", "| --- | --- |", ...rows].join("\n");
}

/** Figures of one unit, drawn against each other where there are several. */
async function writePlots({ bench, figures }: Measured): Promise<string[]> {
  const units = ["ms", "MiB", "req/s", "%"];
  const plots: string[] = [];
  for (const unit of units) {
    const bars = figures.filter((figure) => figure.unit === unit);
    if (bars.length < 3) continue;
    const name = `performance-${bench}-${unit.replaceAll(/\W/g, "") || "percent"}.svg`;
    await writeFile(join(DOCS, name), plotBars({ title: `${bench}, ${unit}`, bars }));
    plots.push(`![${bench} in ${unit}](${name})`);
  }
  return plots;
}

const folder = await mkdtemp(join(tmpdir(), "task-run-mcp-bench-"));
try {
  const results: Measured[] = [];
  for (const name of BENCHES) results.push(await runBench(name, folder));
  await writeFile(join(HERE, "results.json"), `${JSON.stringify({ machine, results }, null, 2)}\n`);
  const sections = await Promise.all(
    results.map(async (measured) =>
      [
        `## ${measured.bench}`,
        ABOUT[measured.bench] ?? "",
        table(measured.figures),
        ...(await writePlots(measured)),
      ].join("\n\n"),
    ),
  );
  const introduction = [
    "# Performance",
    "<!-- Made by `npm run bench`. -->",
    `Measured on ${machine.date} with Node ${machine.node} on ${machine.platform}, ${machine.cpu}, ${machine.memory_gib} GiB. Compare figures of one run only: another machine, or a busy minute, has others.`,
  ];
  await writeFile(join(DOCS, "performance.md"), `${[...introduction, ...sections].join("\n\n")}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
