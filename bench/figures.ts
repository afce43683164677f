import { appendFileSync } from "node:fs";

export interface Figure {
  /** Name of the figure. */
  figure: string;
  value: number;
  /** Unit such as `ms` or `MiB`; `×` for a ratio. */
  unit: string;
  /** The value at the baseline commit. */
  before?: number | undefined;
}

/** Prints the figures, and passes them to `bench/run-all.ts` when that started the bench. */
export function printFigures(bench: string, figures: readonly Figure[]): void {
  for (const figure of figures) {
    console.log(`${figure.figure.padEnd(64)} ${figureText(figure)}`);
  }
  const file = process.env["BENCH_FIGURES_FILE"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ bench, figures })}\n`);
}

/** Rounds to three digits: the noise of a busy machine is larger than that. */
export function figureText({ value, unit, before }: Omit<Figure, "figure">): string {
  const text =
    Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
  const change = before === undefined ? "" : `, ${(value / before).toFixed(2)} × ${before} before`;
  return `${text}${unit === "" ? "" : ` ${unit}`}${change}`;
}
