// How the sources become what is installed: JavaScript of our own and of our dependencies, in few files.
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type OutputChunk, type OutputOptions, type Plugin, rolldown } from "rolldown";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

const LOCALES = "\0left-out:locales";
const VALIDATOR = "\0left-out:validator";

/**
 * What starts slowly and is never used here. Zod carries its messages in 50 languages, all of which are read at every
 * start; the MCP SDK carries a JSON Schema validator for servers that ask their clients for input.
 */
const leftOut: Plugin = {
  name: "left-out",
  resolveId(id, importer) {
    if (id === "zod/v4/locales/en.js") return join(ROOT, "node_modules", id);
    if (importer === undefined) return null;
    if (id.endsWith("/locales/index.js") && /[\\/]zod[\\/]/.test(importer)) return LOCALES;
    const isSdk = /@modelcontextprotocol[\\/]server/.test(importer);
    return /ajvProvider-.*\.mjs$/.test(id) && isSdk ? VALIDATOR : null;
  },
  load(id) {
    if (id === LOCALES) return 'export { default as en } from "zod/v4/locales/en.js";';
    if (id !== VALIDATOR) return null;
    return `
      class AjvJsonSchemaValidator {
        getValidator() { throw new Error("This server has no JSON Schema validator"); }
      }
      export { AjvJsonSchemaValidator as n };
    `;
  },
};

/** A file that a dependency reads beside the JavaScript it is bundled into. */
const SQLITE_WASM = "node-sqlite3-wasm.wasm";

export interface BundleOptions {
  /** Entry files by the name of what they become. */
  input: Record<string, string>;
  folder: string;
  /** Everything in one file, also what is needed late. */
  isOneFile?: boolean;
  /** Modules whose start matters: they, and what they import, are read as one file. */
  startsWith?: readonly string[];
}

/** Writes the bundle, and returns what went into it. */
export async function writeBundle({
  input,
  folder,
  isOneFile = false,
  startsWith = [],
}: BundleOptions): Promise<OutputChunk[]> {
  const atStart = new Set<string>();
  const findStart: Plugin = {
    name: "find-start",
    buildEnd() {
      const waiting = [...startsWith];
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        if (atStart.has(id)) continue;
        atStart.add(id);
        waiting.push(...(this.getModuleInfo(id)?.importedIds ?? []));
      }
      // These run when they are imported: each stays a file of its own.
      for (const id of startsWith) atStart.delete(id);
    },
  };
  const bundle = await rolldown({
    input,
    platform: "node",
    // Native, and not everybody's: `database/load-sqlite.ts` does without where it can.
    // Of the proxy libraries, for a way to authenticate that is not offered here.
    external: ["libsql", "kerberos"],
    // Its other form asks for its own files in a way that no bundler can follow.
    resolve: { alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" } },
    plugins: [leftOut, findStart],
    logLevel: "warn",
    onLog(level, log, handle) {
      // Modules that some import early and some late stay where they are read first, as it should be.
      if (log.code !== "INEFFECTIVE_DYNAMIC_IMPORT") handle(level, log);
    },
  });
  const { output } = await bundle.write({
    dir: folder,
    format: "esm",
    // Names and lines are kept: the stacks of a library's errors, and the error types in logs, must be readable.
    comments: false,
    minify: { compress: true, mangle: { keepNames: true }, codegen: { removeWhitespace: false } },
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    codeSplitting: splitting(isOneFile, atStart),
  });
  await bundle.close();
  const wasm = join(ROOT, "node_modules", "node-sqlite3-wasm", "dist", SQLITE_WASM);
  await cp(wasm, join(folder, SQLITE_WASM));
  return output.filter((part) => part.type === "chunk");
}

function splitting(
  isOneFile: boolean,
  atStart: ReadonlySet<string>,
): NonNullable<OutputOptions["codeSplitting"]> {
  if (isOneFile) return false;
  return { groups: [{ name: "start", test: (id) => atStart.has(id) }] };
}
