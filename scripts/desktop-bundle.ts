// Makes task-run-mcp.mcpb, the bundle that Claude Desktop installs: one minified file without native modules and one for
// its thread, the packaged documents, the manifest and the icon. Run `npm run bundle`.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { isSettingName } from "../src/options.ts";
import { ROOT, WORKER, writeBundle } from "./bundling.ts";
import { collectLicenses } from "./licenses.ts";

const FOLDER = await mkdtemp(join(tmpdir(), "task-run-mcp-bundle-"));
const ARCHIVE = process.argv[2] ?? join(ROOT, "task-run-mcp.mcpb");

await mkdir(join(FOLDER, "server"));
const bundles = await Promise.all(
  [{ cli: join(ROOT, "src", "cli.ts") }, WORKER].map((input) =>
    writeBundle({ input, folder: join(FOLDER, "server"), isOneFile: true }),
  ),
);
await Promise.all([
  cp(join(ROOT, "manifest.json"), join(FOLDER, "manifest.json")),
  cp(join(ROOT, "icon.png"), join(FOLDER, "icon.png")),
  cp(join(ROOT, "LICENSE"), join(FOLDER, "LICENSE")),
  cp(join(ROOT, "examples", "documents"), join(FOLDER, "examples", "documents"), {
    recursive: true,
  }),
  writeFile(join(FOLDER, "THIRD-PARTY-LICENSES.txt"), await collectLicenses(bundles.flat())),
  writeFile(join(FOLDER, "package.json"), await bundledManifest()),
]);
const mcpb = join(ROOT, "node_modules", "@anthropic-ai", "mcpb", "dist", "cli", "cli.js");
const { stdout } = await promisify(execFile)(process.execPath, [mcpb, "pack", FOLDER, ARCHIVE]);
process.stdout.write(stdout);
await rm(FOLDER, { recursive: true, force: true });

/** The package.json of the bundle: module type, version, and the dialog's titles of the settings for error texts. */
async function bundledManifest(): Promise<string> {
  const { name, version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  return JSON.stringify({ name, version, type: "module", settingTitles: await settingTitles() });
}

async function settingTitles(): Promise<Record<string, string>> {
  const manifest = z
    .object({ user_config: z.record(z.string(), z.object({ title: z.string() })) })
    .parse(JSON.parse(await readFile(join(ROOT, "manifest.json"), "utf8")));
  return Object.fromEntries(
    Object.entries(manifest.user_config).map(([key, { title }]) => {
      const setting = key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      if (!isSettingName(setting)) throw new Error(`manifest.json: there is no setting ${key}`);
      return [setting, title];
    }),
  );
}
