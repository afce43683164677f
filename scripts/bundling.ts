// Bundles our sources and their dependencies into few JavaScript files.
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type OutputChunk, type OutputOptions, type Plugin, rolldown } from "rolldown";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

const LOCALES = "\0left-out:locales";
const VALIDATOR = "\0left-out:validator";

/**
 * Leaves out two slow imports that we never use: zod's messages in 50 languages, which load at every start, and the MCP
 * SDK's JSON Schema validator, which serves only elicitation.
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

/** node-sqlite3-wasm reads this file from the folder of the bundled JavaScript. */
const SQLITE_WASM = "node-sqlite3-wasm.wasm";

/** What the program starts as a thread, from beside the file that does. */
export const WORKER = {
  "document-worker": join(ROOT, "src", "engine", "sources", "readers", "document-worker.ts"),
};

export interface BundleOptions {
  /** Entry files by output name. */
  input: Record<string, string>;
  folder: string;
  /** Puts everything into one file, including code that loads late. */
  isOneFile?: boolean;
  /** Modules whose startup time matters: all their static imports go into one file. */
  startsWith?: readonly string[];
}

/** Writes the bundle and returns its chunks. */
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
        const module = this.getModuleInfo(id);
        if (module === null) throw new Error(`startsWith: ${id} is not part of the bundle`);
        waiting.push(...module.importedIds);
      }
      // These modules run on import, so each stays a separate file.
      for (const id of startsWith) atStart.delete(id);
    },
  };
  const bundle = await rolldown({
    input,
    platform: "node",
    // libsql is native and optional: only a Node without its own SQLite needs it.
    // kerberos is an optional import of the proxy libraries, for an authentication that we do not support.
    external: ["libsql", "kerberos"],
    // Its CommonJS build requires its files in a way that bundlers cannot follow.
    resolve: { alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" } },
    plugins: [leftOut, findStart],
    logLevel: "warn",
    onLog(level, log, handle) {
      // A module with a static and a dynamic import belongs in the early file, as intended.
      if (log.code !== "INEFFECTIVE_DYNAMIC_IMPORT") handle(level, log);
    },
  });
  const { output } = await bundle.write({
    dir: folder,
    format: "esm",
    // Keep names and lines, so that error stacks and the error types in logs are readable.
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
