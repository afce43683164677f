import { appendFileSync } from "node:fs";

export interface Figure {
  /** Name of the figure. */
  figure: string;
  /** What it was measured on, for a figure that is measured on several; each is a column of the table. */
  on?: string | undefined;
  value: number;
  /** Unit such as `ms` or `MiB`; `×` for a ratio. */
  unit: string;
  /** The value at the baseline commit. */
  before?: number | undefined;
}

/** Prints the figures, and passes them to `bench/run-all.ts` when that started the bench. */
export function printFigures(bench: string, figures: readonly Figure[]): void {
  for (const figure of figures) {
    const name = figure.on === undefined ? figure.figure : `${figure.on}: ${figure.figure}`;
    console.log(`${name.padEnd(72)} ${figureText(figure)}`);
  }
  const file = process.env["BENCH_FIGURES_FILE"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ bench, figures })}\n`);
}

/** Rounds to three digits: the noise of a busy machine is larger than that. */
export function figureText({
  value,
  unit,
  before,
}: Pick<Figure, "value" | "unit" | "before">): string {
  const text =
    Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
  const change = changeText(value, unit, before);
  return `${text}${unit === "" ? "" : ` ${unit}`}${change}`;
}

function changeText(value: number, unit: string, before: number | undefined): string {
  if (before === undefined) return "";
  if (unit === "%") return `, before ${Math.round(before)}`;
  return `, ${(value / before).toFixed(2)} × ${before} before`;
}
