import { appendFileSync } from "node:fs";

/** Numbers by name; the end of a name is its unit. */
export type Figures = Record<string, number>;

/** Prints what a bench has measured, and passes it on to `bench/run-all.ts` when that started the bench. */
export function printFigures(bench: string, figures: Figures): void {
  const rounded = Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(4))]),
  );
  for (const [name, value] of Object.entries(rounded)) console.log(`${name.padEnd(36)} ${value}`);
  const file = process.env["BENCH_FIGURES_FILE"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ bench, figures: rounded })}\n`);
}
