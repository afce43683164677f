import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const checkout = new URL("../", import.meta.url);

/** Who may import whom, as the linter must enforce it. Every folder of src has a line, or is the composition root. */
const house: Record<string, { folders: string[]; packages: string[]; node: boolean }> = {
  text: { folders: [], packages: [], node: false },
  runtime: { folders: [], packages: ["zod"], node: true },
  "http-server": {
    folders: ["runtime", "text"],
    packages: ["@hono/node-server", "hono", "ipaddr.js", "yaml", "zod"],
    node: true,
  },
  "task-api": { folders: ["text"], packages: ["zod"], node: false },
  client: {
    folders: ["runtime", "task-api", "text"],
    packages: ["undici", "eventsource-parser"],
    node: true,
  },
  database: {
    folders: ["runtime"],
    packages: ["kysely", "libsql", "node-sqlite3-wasm"],
    node: true,
  },
  ledger: {
    folders: ["database", "runtime", "task-api", "text"],
    packages: ["kysely", "zod"],
    node: true,
  },
  engine: {
    folders: ["database", "http-server", "runtime", "task-api", "text"],
    packages: [
      "@hono/node-server",
      "hono",
      "hono/streaming",
      "ajv",
      "ajv/dist/2020.js",
      "chardet",
      "fflate",
      "html-to-text",
      "htmlparser2",
      "ignore",
      "ipaddr.js",
      "mammoth",
      "papaparse",
      "prom-client",
      "standardwebhooks",
      "zod-openapi",
      "@modelcontextprotocol/client",
      "kysely",
      "leven",
      "marked",
      "stemmer",
      "stopword",
      "tinyld",
      "undici",
      "unpdf",
      "yaml",
      "zod",
    ],
    node: true,
  },
  mcp: {
    folders: ["client", "ledger", "runtime", "task-api", "text"],
    packages: ["@modelcontextprotocol/server", "papaparse", "zod"],
    node: true,
  },
  telemetry: {
    folders: ["client", "mcp", "runtime", "text"],
    packages: [
      "@opentelemetry/api",
      "@opentelemetry/core",
      "@opentelemetry/exporter-trace-otlp-http",
      "@opentelemetry/exporter-trace-otlp-proto",
      "@opentelemetry/resources",
      "@opentelemetry/sdk-trace-base",
    ],
    node: true,
  },
  transports: {
    folders: ["http-server", "runtime", "text"],
    packages: [
      "@hono/node-server",
      "@modelcontextprotocol/server",
      "@modelcontextprotocol/server/stdio",
      "hono",
      "hono/streaming",
      "jose",
      "prom-client",
    ],
    node: true,
  },
};
const compositionRoot = ["commands", "library", "settings"];
const rootFiles = ["cli.ts", "config.ts", "logger.ts", "options.ts"];

interface Finding {
  path: string;
  rule: string;
}

/** A folder with the project's lint rules and made-up sources, outside the checkout. */
let sandbox: string;
let sources: Map<string, string>;
let findings: Finding[];

beforeAll(async () => {
  sandbox = await mkdtemp(join(tmpdir(), "task-run-mcp-house-"));
  sources = new Map([...importSources(await packageNames()), ...ruleSources()]);
  for (const [path, code] of sources) {
    await mkdir(dirname(join(sandbox, path)), { recursive: true });
    await writeFile(join(sandbox, path), code);
  }
  await copyFile(new URL(".oxlintrc.json", checkout), join(sandbox, ".oxlintrc.json"));
  await writeFile(join(sandbox, "tsconfig.json"), JSON.stringify(compilerOptions()));
  findings = await lint();
});

afterAll(async () => {
  await rm(sandbox, { recursive: true, force: true });
});

describe("the import rules", () => {
  it("have a line for every folder in src", async () => {
    const entries = await readdir(new URL("src/", checkout), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    const known = new Set([...Object.keys(house), ...compositionRoot]);
    expect(folders.filter((folder) => !known.has(folder))).toEqual([]);
  });

  it.each(Object.keys(house))(
    "let %s import what the design allows, and nothing else",
    (folder) => {
      const mine = [...sources.keys()].filter((path) => path.startsWith(`src/${folder}/`));
      const reported = new Set(
        findings
          .filter(({ rule }) => rule === "eslint(no-restricted-imports)")
          .map(({ path }) => path),
      );
      const told = (paths: string[]) => paths.map((path) => `${path}: ${sources.get(path)}`);
      const forbidden = mine.filter((path) => path.includes("/forbidden-"));
      expect(told(mine.filter((path) => reported.has(path)))).toEqual(told(forbidden));
      expect(forbidden.length).toBeLessThan(mine.length);
    },
  );
});

describe("the lint rules", () => {
  it.each([
    ["console", "eslint(no-console)"],
    ["standard-output", "eslint(no-restricted-properties)"],
    ["exit", "eslint(no-restricted-properties)"],
    ["environment", "eslint(no-restricted-properties)"],
    ["environment-taken-apart", "eslint(no-restricted-properties)"],
    ["cast", "typescript(consistent-type-assertions)"],
    ["angle-cast", "typescript(consistent-type-assertions)"],
    ["non-null", "typescript(no-non-null-assertion)"],
    ["any", "typescript(no-explicit-any)"],
    ["default-export", "import(no-default-export)"],
    ["barrel", "oxc(no-barrel-file)"],
    ["cycle-a", "import(no-cycle)"],
    ["too-long", "eslint(max-lines)"],
    ["NotKebab", "unicorn(filename-case)"],
    ["type-import", "typescript(consistent-type-imports)"],
    ["floating-promise", "typescript(no-floating-promises)"],
    ["misused-promise", "typescript(no-misused-promises)"],
    ["needless-await", "typescript(await-thenable)"],
    ["open-switch", "typescript(switch-exhaustiveness-check)"],
    ["unsafe", "typescript(no-unsafe-return)"],
  ])("report src/mcp/%s.ts as %s", (name, rule) => {
    expect(findings).toContainEqual({ path: `src/mcp/${name}.ts`, rule });
  });

  it("accept `as const`", () => {
    expect(findings.filter(({ path }) => path === "src/mcp/as-const.ts")).toEqual([]);
  });

  it("let only config.ts read the environment, and only the commands print and exit", () => {
    const allowed = new Set(["src/config.ts", "src/cli.ts", "src/commands/serve.ts"]);
    expect(findings.filter(({ path }) => allowed.has(path))).toEqual([]);
    expect(findings).toContainEqual({
      path: "src/commands/reads-environment.ts",
      rule: "eslint(no-restricted-properties)",
    });
  });
});

/** One file per import, named `forbidden-` or `allowed-` by what the house says about it. */
function importSources(packages: string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const [folder, { folders, packages: allowedPackages, node }] of Object.entries(house)) {
    let next = 0;
    const add = (allowed: boolean, code: string, place = `src/${folder}`) => {
      files.set(`${place}/${allowed ? "allowed" : "forbidden"}-${(next += 1)}.ts`, `${code}\n`);
    };
    const others = [...Object.keys(house), ...compositionRoot].filter((name) => name !== folder);
    for (const other of others) {
      const allowed = folders.includes(other);
      add(allowed, `export { x as y } from "../${other}/x.ts";`);
      add(allowed, `import "../../${other}/inner/x.ts";`, `src/${folder}/inner`);
      add(allowed, `export const x = await import("../../${other}/x.ts");`, `src/${folder}/inner`);
      add(allowed, `import type { X } from "../${other}/x.ts";\nexport type Y = X;`);
    }
    for (const file of rootFiles) {
      add(false, `import "../${file}";`);
      add(false, `import "../../${file}";`, `src/${folder}/inner`);
    }
    add(true, `import "./neighbour.ts";`);
    add(true, `import "../neighbour.ts";`, `src/${folder}/inner`);
    for (const name of new Set([...packages, ...allowedPackages, "never-heard-of", "@any/zod"])) {
      if (name === "pino") continue;
      add(allowedPackages.includes(name), `import { x } from "${name}";\nexport const y = x;`);
    }
    add(node, `import { readFile } from "node:fs/promises";\nexport const y = readFile;`);
    add(false, `import process from "node:process";\nexport const y = process.env;`);
    add(false, `import { pino } from "pino";\nexport const y = pino;`);
    if (node) {
      add(true, `import type { Logger } from "pino";\nexport type Y = Logger;`);
    }
  }
  return files;
}

/** Sources that break one other rule each, and some that break none. */
function ruleSources(): Map<string, string> {
  const prints = `console.log(1);\nprocess.stdout.write("x");\nprocess.exitCode = 1;\nprocess.exit();\n`;
  return new Map(
    Object.entries({
      "src/mcp/console.ts": "console.error(1);\n",
      "src/mcp/standard-output.ts": 'process.stdout.write("x");\n',
      "src/mcp/exit.ts": "process.exit(1);\n",
      "src/mcp/environment.ts": 'export const home = process.env["HOME"];\n',
      "src/mcp/environment-taken-apart.ts": "export const { env } = process;\n",
      "src/mcp/cast.ts": "export const x = JSON.parse('1') as number;\n",
      "src/mcp/angle-cast.ts": "export const x = <number>JSON.parse('1');\n",
      "src/mcp/as-const.ts": "export const x = ['a'] as const;\n",
      "src/mcp/non-null.ts": "export const x = (y: string | null) => y!.length;\n",
      "src/mcp/any.ts": "export const x = (y: any) => y;\n",
      "src/mcp/default-export.ts": "export default 1;\n",
      "src/mcp/barrel.ts": 'export * from "./as-const.ts";\n',
      "src/mcp/cycle-a.ts": 'import "./cycle-b.ts";\n',
      "src/mcp/cycle-b.ts": 'import "./cycle-a.ts";\n',
      "src/mcp/too-long.ts": "export {};\n".repeat(351),
      "src/mcp/NotKebab.ts": "export {};\n",
      "src/mcp/type-import.ts": 'import { X } from "./x.ts";\nexport type Y = X;\n',
      "src/mcp/floating-promise.ts": "Promise.resolve(1);\n",
      "src/mcp/misused-promise.ts": "[1].forEach(async () => Promise.resolve());\n",
      "src/mcp/needless-await.ts": "export const x = await (1 + 1);\n",
      "src/mcp/open-switch.ts":
        'export function f(x: "a" | "b") {\n  switch (x) {\n    case "a":\n  }\n}\n',
      "src/mcp/unsafe.ts": "export const x = () => JSON.parse('1');\n",
      "src/config.ts": "export const env = process.env;\n",
      "src/cli.ts": prints,
      "src/commands/serve.ts": prints,
      "src/commands/reads-environment.ts": "export const env = process.env;\n",
    }),
  );
}

async function packageNames(): Promise<string[]> {
  const text = await readFile(new URL("package.json", checkout), "utf8");
  const { dependencies, optionalDependencies, devDependencies } = JSON.parse(text);
  return Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies });
}

/** The strictness of the project; its installed types, but nothing of its sources. */
function compilerOptions(): object {
  return {
    extends: fileURLToPath(new URL("tsconfig.json", checkout)),
    compilerOptions: {
      types: ["node"],
      typeRoots: [fileURLToPath(new URL("node_modules/@types", checkout))],
    },
    include: ["src"],
  };
}

async function lint(): Promise<Finding[]> {
  const oxlint = fileURLToPath(new URL("node_modules/oxlint/bin/oxlint", checkout));
  const typeAware = fileURLToPath(new URL("node_modules/.bin/tsgolint", checkout));
  const output = await new Promise<string>((resolve, reject) => {
    const options = {
      cwd: sandbox,
      env: { ...process.env, OXLINT_TSGOLINT_PATH: typeAware },
      maxBuffer: 64 * 1024 * 1024,
    };
    execFile(process.execPath, [oxlint, "--format=json", "src"], options, (error, stdout) => {
      // It exits with 1 when it found something, which is the point here.
      if (error === null || error.code === 1) resolve(stdout);
      else reject(error);
    });
  });
  const { diagnostics }: { diagnostics: { code: string; filename: string }[] } = JSON.parse(output);
  return diagnostics.map(({ code, filename }) => ({
    path: filename.replaceAll("\\", "/"),
    rule: code,
  }));
}
