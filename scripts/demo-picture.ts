// Draws docs/demo.svg: the output of `npm run demo` in a terminal window. Run `npm run docs:demo`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const PICTURE = new URL("../docs/demo.svg", import.meta.url);
const CHAR = 8.4;
const LINE = 19;
const PADDING = 20;
const TITLE = 36;
const MAX_COLUMNS = 104;

const demo = spawn("npx", ["tsx", fileURLToPath(new URL("../examples/demo.ts", import.meta.url))], {
  stdio: ["ignore", "pipe", "pipe"],
  shell: process.platform === "win32",
});
let output = "";
for (const stream of [demo.stdout, demo.stderr]) {
  stream.setEncoding("utf8").on("data", (text: string) => (output += text));
}
await once(demo, "close");
if (demo.exitCode !== 0) throw new Error(`The demo failed:\n${output}`);

const lines = output
  .trim()
  .split("\n")
  .flatMap((line) => wrap(line.trimEnd()));
await writeFile(PICTURE, drawTerminal(["$ npm ci && npm run demo", "", ...lines]));

function wrap(line: string): string[] {
  if (line.length <= MAX_COLUMNS) return [line];
  const at = line.lastIndexOf(" ", MAX_COLUMNS);
  return [line.slice(0, at), ...wrap(`  ${line.slice(at + 1)}`)];
}

function drawTerminal(shown: readonly string[]): string {
  const width = Math.round(MAX_COLUMNS * CHAR + 2 * PADDING);
  const height = TITLE + shown.length * LINE + PADDING;
  const texts = shown.map((line, index) => {
    const y = TITLE + (index + 1) * LINE;
    return `<text x="${PADDING}" y="${y}" fill="${colourOf(line)}" xml:space="preserve">${escape(line)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<rect width="${width}" height="${height}" rx="10" fill="#141826"/>`,
    ...["#ff5f57", "#febc2e", "#28c840"].map(
      (fill, index) => `<circle cx="${24 + index * 20}" cy="20" r="6" fill="${fill}"/>`,
    ),
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">`,
    ...texts,
    "</g>",
    "</svg>\n",
  ].join("\n");
}

function colourOf(line: string): string {
  if (line.startsWith("$")) return "#7fd1ff";
  if (/^\s*\d+ %/.test(line)) return "#40d6aa";
  return line.startsWith('"') ? "#ffffff" : "#c3c9d9";
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
