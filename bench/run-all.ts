// Runs every bench in turn and writes the figures to bench/results.json, and as tables and plots to docs/performance.md.
// Run `npm run bench` on an idle machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type Figure, figureText } from "./figures.ts";
import { plotBars } from "./plot-bars.ts";

const BENCHES = ["cold-start", "engine", "cancel", "bridge", "retrieval", "quotes", "agent-tokens"];
const ABOUT: Record<string, string> = {
  "cold-start":
    "How long a host waits for the tools, compared with the minimum that Node and the SDK allow.",
  engine:
    "The built-in engine as its own process, over loopback HTTP, with the extractive executor.",
  cancel: "Time from sending a cancel until the executor's signal aborts.",
  bridge: "The MCP server over HTTP, with authentication and all checks.",
  retrieval:
    "How well the extractive executor finds answers in documents that were written for this bench.",
  quotes:
    "How many quotes the verification accepts, made of sentences of the Markdown files of the installed packages: honest ones, and ones that say something else.",
  "agent-tokens":
    "Tokens (o200k) that agents read: twenty typical answers and `tools/list`, compared with the commit in `bench/agent-tokens.json`. The answers are in `test/mcp/transcripts/`; `npm run bench:agent-tokens` runs only this bench.",
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

/** Draws one plot per unit that has three figures or more. */
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
    `Measured on ${machine.date} with Node ${machine.node} on ${machine.platform}, ${machine.cpu}, ${machine.memory_gib} GiB. Compare figures of one run only: they differ between machines, and on a busy machine.`,
  ];
  await writeFile(join(DOCS, "performance.md"), `${[...introduction, ...sections].join("\n\n")}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
