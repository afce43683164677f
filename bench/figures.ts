import { appendFileSync } from "node:fs";

export interface Figure {
  /** What was measured, in words. */
  figure: string;
  value: number;
  /** Such as `ms` or `MiB`; `×` for a ratio. */
  unit: string;
  /** The same as it was at a commit that it is to be compared with. */
  before?: number | undefined;
}

/** Prints what a bench has measured, and passes it on to `bench/run-all.ts` when that started the bench. */
export function printFigures(bench: string, figures: readonly Figure[]): void {
  for (const figure of figures) {
    console.log(`${figure.figure.padEnd(64)} ${figureText(figure)}`);
  }
  const file = process.env["BENCH_FIGURES_FILE"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ bench, figures })}\n`);
}

/** Three digits are as many as a busy machine can mean. */
export function figureText({ value, unit, before }: Omit<Figure, "figure">): string {
  const text =
    Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
  const change = before === undefined ? "" : `, ${(value / before).toFixed(2)} × ${before} before`;
  return `${text}${unit === "" ? "" : ` ${unit}`}${change}`;
}
