// One measurement of time and memory in a process of its own, printed as JSON: `generated` indexes 10,000 files; the
// names of {@link HOSTILE} put such a file beside a harmless one.
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { deflateSync } from "node:zlib";
import { openReader } from "./ask.ts";

const GENERATED = 10_000;
const WORDS = 2_000;

const HOSTILE: Record<string, (folder: string) => Promise<void>> = {
  sentences: (folder) => writeFile(join(folder, "sentences.txt"), "A. ".repeat(80_000)),
  "pdf-bomb": (folder) => writeFile(join(folder, "bomb.pdf"), pdfBomb()),
  fifo: async (folder) => {
    execFileSync("mkfifo", [join(folder, "fifo.txt")]);
  },
  "long-line": (folder) => writeFile(join(folder, "line.md"), "[".repeat(200_000)),
  "nested-html": (folder) => writeFile(join(folder, "nested.html"), "<div><b>".repeat(100_000)),
};

/** Files of 40 sentences of 12 of {@link WORDS} words, the same in every run. */
async function writeGenerated(folder: string): Promise<void> {
  let state = 14;
  const word = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return `word${(state >>> 8) % WORDS}`;
  };
  for (let file = 0; file < GENERATED; file += 1) {
    const directory = join(folder, String(Math.floor(file / 100)));
    if (file % 100 === 0) await mkdir(directory, { recursive: true });
    const sentences = Array.from(
      { length: 40 },
      () => `${Array.from({ length: 12 }, word).join(" ")}.`,
    );
    await writeFile(
      join(directory, `file-${file}.md`),
      `# Report ${file}\n\n${sentences.join(" ")}\n`,
    );
  }
}

/** A PDF of 2 kB whose page unpacks, in two steps, to 200 MB of text. */
function pdfBomb(): Buffer {
  const text = Buffer.from("BT /F1 9 Tf (boom text) Tj ET\n".repeat(7_000_000));
  const stream = deflateSync(deflateSync(text, { level: 9 }), { level: 9 });
  const objects = [
    Buffer.from("<< /Type /Catalog /Pages 2 0 R >>"),
    Buffer.from("<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
    Buffer.from(
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
    ),
    Buffer.concat([
      Buffer.from(`<< /Length ${stream.length} /Filter [/FlateDecode /FlateDecode] >>\nstream\n`),
      stream,
      Buffer.from("\nendstream"),
    ]),
    Buffer.from("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"),
  ];
  const parts = objects.map((object, index) =>
    Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), object, Buffer.from("\nendobj\n")]),
  );
  const trailer = "trailer << /Root 1 0 R /Size 6 >>\n%%EOF\n";
  return Buffer.concat([Buffer.from("%PDF-1.4\n"), ...parts, Buffer.from(trailer)]);
}

/** Asks about a harmless file; what was added to the folder before is read first. */
async function measure(folder: string, addFiles: () => Promise<void>) {
  const note = "# Harbour\n\nThe harbour of Brei opened in 1962.\n";
  // The readers of these kinds are loaded before the measurement begins.
  for (const kind of ["md", "txt", "html"]) await writeFile(join(folder, `note.${kind}`), note);
  const reader = await openReader([folder], folder);
  await addFiles();
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const startMs = performance.now();
  const { passages } = await reader.ask("When did the harbour of Brei open?", "base");
  const seconds = (performance.now() - startMs) / 1_000;
  delay.disable();
  const isAnswered = passages.some(({ text }) => text.includes("1962"));
  await reader.close();
  const peakMiB = process.resourceUsage().maxRSS / 1_024;
  return { seconds, blockedSeconds: delay.max / 1e9, peakMiB, isAnswered };
}

const what = process.argv[2] ?? "";
const folder = await mkdtemp(join(tmpdir(), "task-run-mcp-load-"));
try {
  const addFiles = what === "generated" ? writeGenerated : HOSTILE[what];
  if (addFiles === undefined) throw new Error(`There is no load called "${what}"`);
  console.log(JSON.stringify(await measure(folder, () => addFiles(folder))));
} finally {
  await rm(folder, { recursive: true, force: true });
}
