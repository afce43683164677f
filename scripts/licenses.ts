import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { OutputChunk } from "rolldown";
import { z } from "zod";

const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().default("see its licence file"),
});

/** The licences of all packages that went into a bundle: most of them ask to be passed on with the code. */
export async function collectLicenses(chunks: readonly OutputChunk[]): Promise<string> {
  const folders = new Set<string>();
  for (const file of chunks.flatMap(({ moduleIds }) => moduleIds)) {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
    if (folder !== undefined) folders.add(folder);
  }
  const texts = await Promise.all([...folders].toSorted().map(describePackage));
  return `This program contains the following packages.\n\n${texts.join("\n")}`;
}

async function describePackage(folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const { name, version, license } = Manifest.parse(manifest);
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "" : await readFile(join(folder, file), "utf8");
  return `--- ${name} ${version} (${license})\n\n${text.trim()}\n`;
}
