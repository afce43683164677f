// Runs every bench in turn and writes the figures to bench/results.json, and as tables and plots to docs/performance.md.
// Run `npm run bench` on an idle machine; `npm run bench -- retrieval` runs one bench again and keeps the others' figures.
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
    "How well the extractive executor finds answers: in documents that were written for this bench, in the Markdown of the installed npm packages, in Debian's documentation, and in translations of it. Everything was tuned on the questions of `tuning` only. `before` is the executor that quoted single sentences.",
  quotes:
    "How many quotes the verification accepts, made of sentences of the Markdown files of the installed packages: honest ones, and ones that say something else.",
  "agent-tokens":
    "Tokens (o200k) that agents read: twenty typical answers and `tools/list`, compared with the commit in `bench/agent-tokens.json`. The answers are in `test/mcp/transcripts/`; `npm run bench:agent-tokens` runs only this bench.",
};

const HERE = fileURLToPath(new URL(".", import.meta.url));
const RESULTS = join(HERE, "results.json");
const DOCS = fileURLToPath(new URL("../docs", import.meta.url));

/** Of the figures that are measured on several things, a plot shows these: all would be too many bars. */
const PLOTTED = /^\w+, held-out: (?:document@3|answer within 1,600)/;

const Measured = z.object({
  bench: z.string(),
  figures: z.array(
    z.object({
      figure: z.string(),
      on: z.string().optional(),
      value: z.number(),
      unit: z.string(),
      before: z.number().optional(),
    }),
  ),
});
type Measured = z.infer<typeof Measured>;

async function readResults(): Promise<{ results: Measured[] }> {
  return z
    .object({ results: z.array(Measured) })
    .parse(JSON.parse(await readFile(RESULTS, "utf8")));
}

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

/** A table of the figures that were measured on several things, one column each, and one of the others. */
function tables(figures: readonly Figure[]): string[] {
  const columns = [...new Set(figures.flatMap(({ on }) => on ?? []))];
  const single = figures.filter(({ on }) => on === undefined);
  if (columns.length === 0) return [table(single)];
  const names = [...new Set(figures.flatMap(({ figure, on }) => (on === undefined ? [] : figure)))];
  const rows = names.map((name) => {
    const cells = columns.map((column) => {
      const found = figures.find(({ figure, on }) => figure === name && on === column);
      return found === undefined ? "–" : figureText(found);
    });
    return `| ${[name, ...cells].join(" | ")} |`;
  });
  const head = [`| | ${columns.join(" | ")} |`, `| --- |${" --- |".repeat(columns.length)}`];
  return [[...head, ...rows].join("\n"), ...(single.length === 0 ? [] : [table(single)])];
}

function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => `| ${figure.figure} | ${figureText(figure)} |`);
  return ["| figure | value |", "| --- | --- |", ...rows].join("\n");
}

/** Draws one plot per unit that has three figures or more. */
async function writePlots({ bench, figures }: Measured): Promise<string[]> {
  const units = ["ms", "MiB", "req/s", "%"];
  const plots: string[] = [];
  for (const unit of units) {
    const bars = figures.flatMap((figure) => {
      const name = figure.on === undefined ? figure.figure : `${figure.on}: ${figure.figure}`;
      const isPlotted = figure.on === undefined || PLOTTED.test(name);
      return figure.unit === unit && isPlotted
        ? [{ ...figure, figure: name, before: undefined }]
        : [];
    });
    if (bars.length < 3) continue;
    const name = `performance-${bench}-${unit.replaceAll(/\W/g, "") || "percent"}.svg`;
    await writeFile(join(DOCS, name), plotBars({ title: `${bench}, ${unit}`, bars }));
    plots.push(`![${bench} in ${unit}](${name})`);
  }
  return plots;
}

const folder = await mkdtemp(join(tmpdir(), "task-run-mcp-bench-"));
try {
  const named = process.argv.slice(2);
  const kept = named.length === 0 ? [] : (await readResults()).results;
  const results: Measured[] = [];
  for (const name of BENCHES) {
    const known = kept.find(({ bench }) => bench === name);
    const isKept = known !== undefined && !named.includes(name);
    results.push(isKept ? known : await runBench(name, folder));
  }
  await writeFile(RESULTS, `${JSON.stringify({ machine, results }, null, 2)}\n`);
  const sections = await Promise.all(
    results.map(async (measured) =>
      [
        `## ${measured.bench}`,
        ABOUT[measured.bench] ?? "",
        ...tables(measured.figures),
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
