import { execFile } from "node:child_process";
import { access, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { createCatalog } from "../../src/mcp/catalog.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

const PackedFiles = z.array(
  z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) }),
);
const Package = z.looseObject({
  name: z.string(),
  version: z.string(),
  mcpName: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
});
const packageJson = Package.parse(JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")));

/** The tarball that npm would publish, and what is in it. */
let tarball: string;
let files: string[];

beforeAll(async () => {
  const folder = await temporaryFolder();
  // Without scripts: the build that `npm test` made is what is packed.
  const { stdout } = await run(
    "npm",
    ["pack", "--json", "--ignore-scripts", "--pack-destination", folder],
    { cwd: ROOT, shell: process.platform === "win32" },
  );
  const [packed] = PackedFiles.parse(JSON.parse(stdout));
  tarball = join(folder, packed?.filename ?? "");
  files = packed?.files.map(({ path }) => path) ?? [];
});

/** The tarball unpacked where `npm install` would put it: in an empty folder, alone. */
async function installFromTarball(): Promise<string> {
  const folder = await temporaryFolder();
  const target = join(folder, "node_modules", packageJson.name);
  await mkdir(target, { recursive: true });
  await run("tar", ["-xzf", tarball, "--strip-components=1"], { cwd: target });
  return folder;
}

/** Asks a server over stdio what every user asks first. */
async function askForGdp(file: string, cwd: string, env: Record<string, string> = {}) {
  const client = new Client({ name: "test", version: "1" });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [file],
    cwd,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stderr: "ignore",
  });
  await client.connect(transport);
  onTestFinished(() => client.close());
  const { tools } = await client.listTools();
  const { structuredContent } = await client.callTool({
    name: "create_task_run",
    arguments: { input: "What was the GDP of France in 2023?", wait_seconds: 30 },
  });
  const report = z.looseObject({ notes: z.array(z.string()).optional() }).parse(structuredContent);
  return { tools: tools.map(({ name }) => name), report };
}

test("the tarball holds the program, its types, its documents and licences, and nothing else", () => {
  const kinds = new Set(
    files.map((path) =>
      path
        .replace(/^dist\/types\/.*\.d\.ts$/, "types")
        .replace(/^dist\/[\w.-]+\.js$/, "program")
        .replace(/^examples\/documents\/.*/, "documents"),
    ),
  );
  expect([...kinds].toSorted()).toEqual([
    "LICENSE",
    "README.md",
    "dist/THIRD-PARTY-LICENSES.txt",
    "dist/node-sqlite3-wasm.wasm",
    "documents",
    "examples/script.schema.json",
    "package.json",
    "program",
    "types",
  ]);
});

test("it needs few packages: what it brings is bundled, what is native is optional", () => {
  expect(Object.keys(packageJson.dependencies).toSorted()).toEqual([
    "@modelcontextprotocol/server",
    "zod",
  ]);
});

test("installed in an empty folder, without any other package, the server answers", async () => {
  const folder = await installFromTarball();
  const bin = join(folder, "node_modules", packageJson.name, "dist", "cli.js");
  await access(bin);
  const { tools, report } = await askForGdp(bin, folder, {
    TASK_RUN_MCP_STATE_DIR: join(folder, "state"),
  });
  expect(tools).toEqual(createCatalog({}).tools.map(({ name }) => name));
  expect(JSON.stringify(report)).toContain("$3.05 trillion");
});

test("a program that imports the package gets engine, client and server", async () => {
  const folder = await installFromTarball();
  await writeFile(
    join(folder, "use.mjs"),
    `
      import { createTaskApiClient, createTaskRunServer, startEngine } from "task-run-mcp";
      const engine = await startEngine();
      const client = createTaskApiClient({ baseUrl: engine.url });
      const { run_id } = await client.createRun({ input: "GDP of France in 2023", processor: "base" });
      const { output } = await client.retrieveResult(run_id, { timeoutSeconds: 30 });
      const server = createTaskRunServer();
      const mcp = server.factory();
      console.log(JSON.stringify({ output, isServer: typeof mcp.connect === "function" }));
      await server.close();
      await client.close();
      await engine.close();
    `,
  );
  const { stdout } = await run(process.execPath, ["use.mjs"], { cwd: folder });
  expect(stdout).toContain("$3.05 trillion");
  expect(stdout).toContain('"isServer":true');
});

test("its types are understood by a strict TypeScript program", async () => {
  const folder = await installFromTarball();
  for (const name of ["zod", "@modelcontextprotocol", "undici-types", "@types"]) {
    await cp(join(ROOT, "node_modules", name), join(folder, "node_modules", name), {
      recursive: true,
    });
  }
  await writeFile(
    join(folder, "use.mts"),
    `
      import {
        type GroupSnapshot, type RunInput, type RunSnapshot, type TaskApiClient,
        RunNotFound, createTaskApiClient, createTaskRunServer, startEngine,
      } from "task-run-mcp";
      const { url }: { url: string } = await startEngine({ documents: "docs", logLevel: "error" });
      const client: TaskApiClient = createTaskApiClient({ baseUrl: url });
      const run = await client.createRun({ input: "Why?", processor: "base" });
      const id: string = run.run_id;
      const input: RunInput = { input: "Why?", processor: "base" };
      const connected = createTaskApiClient();
      const snapshots: AsyncIterable<RunSnapshot> = connected.watchRun(id);
      const groups: AsyncIterable<GroupSnapshot> = connected.watchGroup("tgrp_1");
      const missing = (error: unknown) => (error instanceof RunNotFound ? error.runId : input.input);
      console.log(snapshots, groups, missing);
      // @ts-expect-error A processor is required.
      await client.createRun({ input: id });
      await createTaskRunServer({ readOnly: true }).factory().close();
    `,
  );
  const options = ["--strict", "--noEmit", "--target", "es2023", "--module", "nodenext"];
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { stdout } = await run(process.execPath, [tsc, ...options, "--types", "node", "use.mts"], {
    cwd: folder,
  });
  expect(stdout).toBe("");
});

test("server.json and the container's label agree with package.json", async () => {
  const Server = z.looseObject({
    name: z.string(),
    version: z.string(),
    packages: z.array(z.looseObject({ identifier: z.string(), version: z.string().optional() })),
  });
  const server = Server.parse(JSON.parse(await readFile(join(ROOT, "server.json"), "utf8")));
  const { name, version, mcpName } = packageJson;
  expect(server).toMatchObject({
    name: mcpName,
    version,
    packages: [{ identifier: name, version }, { identifier: `ghcr.io/${name}/${name}:${version}` }],
  });
  const dockerfile = await readFile(join(ROOT, "Dockerfile"), "utf8");
  expect(dockerfile).toContain(`io.modelcontextprotocol.server.name="${mcpName}"`);
  expect(dockerfile).toMatch(/^USER \d+:\d+$/m);
});

test("the licences name what packages carry inside", async () => {
  const licences = await readFile(join(ROOT, "dist", "THIRD-PARTY-LICENSES.txt"), "utf8");
  expect(licences).toMatch(/^--- pdfjs-dist .*\(Apache-2\.0\), inside unpdf$/m);
  expect(licences).toContain("Version 2.0, January 2004");
});

test("what goes into the container is named one by one: no test, no secret, no history", async () => {
  const lines = (await readFile(join(ROOT, ".dockerignore"), "utf8")).trim().split("\n");
  const [everything, ...kept] = lines;
  expect(everything).toBe("*");
  expect(kept.every((line) => line.startsWith("!"))).toBe(true);
  expect(kept.filter((line) => /test|\.git|\.env/.test(line))).toEqual([]);
});
