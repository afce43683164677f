// How the sources become what is installed: JavaScript of our own and of our dependencies in few, small files.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildOptions, Plugin } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * What starts slowly and is never used here. Zod carries its messages in 50 languages, all of which are read at every
 * start; the MCP SDK carries a JSON Schema validator for servers that ask their clients for input.
 */
const leftOut: Plugin = {
  name: "left-out",
  setup(build) {
    build.onResolve({ filter: /\/locales\/index\.js$/ }, ({ importer }) =>
      /[\\/]zod[\\/]/.test(importer) ? { path: "locales", namespace: "left-out" } : undefined,
    );
    build.onResolve({ filter: /ajvProvider-.*\.mjs$/ }, ({ importer }) =>
      /@modelcontextprotocol[\\/]server/.test(importer)
        ? { path: "validator", namespace: "left-out" }
        : undefined,
    );
    build.onLoad({ filter: /^locales$/, namespace: "left-out" }, () => ({
      contents: 'export { default as en } from "zod/v4/locales/en.js";',
      resolveDir: ROOT,
    }));
    build.onLoad({ filter: /^validator$/, namespace: "left-out" }, () => ({
      contents: `
        class AjvJsonSchemaValidator {
          getValidator() { throw new Error("This server has no JSON Schema validator"); }
        }
        export { AjvJsonSchemaValidator as n };
      `,
    }));
  },
};

/** A file that a dependency reads beside the JavaScript it is bundled into. */
export const SQLITE_WASM = "node-sqlite3-wasm.wasm";
export const SQLITE_WASM_SOURCE = join(
  ROOT,
  "node_modules",
  "node-sqlite3-wasm",
  "dist",
  SQLITE_WASM,
);

/** What every bundle of ours has in common. */
export const bundleOptions: BuildOptions = {
  bundle: true,
  minify: true,
  platform: "node",
  target: "node20.18",
  format: "esm",
  // Native, and not everybody's: `database/load-sqlite.ts` does without where it can.
  external: ["libsql"],
  // What Node loads of it hides its parts from a bundler.
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
  // Some CommonJS dependencies ask for Node's own modules, and for files beside them, in their own way.
  banner: {
    js: [
      'import{createRequire as __createRequire}from"node:module";',
      'import{fileURLToPath as __fileURLToPath}from"node:url";',
      "const require=__createRequire(import.meta.url);",
      'const __dirname=__fileURLToPath(new URL(".",import.meta.url));',
    ].join(""),
  },
  // The licences of all of it are in a file of their own.
  legalComments: "none",
  plugins: [leftOut],
  logLevel: "warning",
};
