// Builds dist/: the program (cli.js) and the library (index.js with its types). Code that loads late gets separate files.
// Run `npm run build`.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { ROOT, WORKER, writeBundle } from "./bundling.ts";
import { collectLicenses } from "./licenses.ts";

const DIST = join(ROOT, "dist");
const LIBRARY = join("library", "index.d.ts");

await rm(DIST, { recursive: true, force: true });
await Promise.all([buildPrograms(), buildTypes()]);

async function buildPrograms(): Promise<void> {
  const source = (...path: string[]) => join(ROOT, "src", ...path);
  const chunks = await writeBundle({
    input: { cli: source("cli.ts"), index: source("library", "index.ts"), ...WORKER },
    folder: DIST,
    startsWith: [source("cli.ts"), source("commands", "serve", "stdio.ts")],
  });
  await writeFile(join(DIST, "THIRD-PARTY-LICENSES.txt"), await collectLicenses(chunks));
}

/** Writes the type declarations that the library's entry imports, directly or indirectly. */
async function buildTypes(): Promise<void> {
  const all = await mkdtemp(join(tmpdir(), "task-run-mcp-types-"));
  try {
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const args = ["-p", join(ROOT, "tsconfig.types.json"), "--outDir", all];
    await promisify(execFile)(process.execPath, [tsc, ...args], { cwd: ROOT });
    const wanted = new Set<string>();
    const waiting = [join(all, LIBRARY)];
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      if (wanted.has(file)) continue;
      wanted.add(file);
      const text = await readFile(file, "utf8");
      for (const [, specifier = ""] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
        waiting.push(resolve(dirname(file), specifier.replace(/\.(?:js|ts)$/, ".d.ts")));
      }
    }
    for (const file of wanted) {
      const target = join(DIST, "types", relative(all, file));
      await mkdir(dirname(target), { recursive: true });
      const text = await readFile(file, "utf8");
      await writeFile(
        target,
        text.replaceAll(/(?<=(?:from|import\()\s*"\.[^"]+)\.ts(?=")/g, ".js"),
      );
    }
  } finally {
    await rm(all, { recursive: true, force: true });
  }
}
