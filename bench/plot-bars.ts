import { type Figure, figureText } from "./figures.ts";

const WIDTH = 760;
const LABELS = 380;
const ROW = 26;
const TOP = 40;

/** A bar chart as SVG, readable on light and dark pages. */
export function plotBars({ title, bars }: { title: string; bars: readonly Figure[] }): string {
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const height = TOP + bars.length * ROW + 10;
  const rows = bars.map((bar, index) => {
    const y = TOP + index * ROW;
    const width = Math.max(1, (bar.value / most) * (WIDTH - LABELS - 90));
    return [
      `<text x="${LABELS - 10}" y="${y + 15}" text-anchor="end">${escape(bar.figure)}</text>`,
      `<rect x="${LABELS}" y="${y + 2}" width="${width.toFixed(1)}" height="18" rx="3" fill="#4c8bf5"/>`,
      `<text x="${(LABELS + width + 8).toFixed(1)}" y="${y + 15}">${escape(figureText(bar))}</text>`,
    ].join("");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="#808a9a">`,
    `<text x="10" y="22" font-size="15" font-weight="600">${escape(title)}</text>`,
    ...rows,
    "</svg>\n",
  ].join("\n");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
