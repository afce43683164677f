import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { OutputChunk } from "rolldown";
import { z } from "zod";
import { ROOT } from "./bundling.ts";

const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().default("see its licence file"),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

/** Software that a package contains without a licence file for it. */
const CONTAINED: Record<string, { name: string; license: string; notice: string }[]> = {
  // unpdf ships Mozilla's PDF reader built into one file; its dependency list names the version.
  unpdf: [
    {
      name: "pdfjs-dist",
      license: "Apache-2.0",
      notice:
        "Copyright Mozilla Foundation. The text of the Apache License 2.0 is at the end of this file.",
    },
  ],
};
/** This licence file is the unchanged text of the Apache License 2.0. */
const APACHE_TEXT = join("@opentelemetry", "api", "LICENSE");

/** Collects the licences of all bundled packages; most licences require their text beside the code. */
export async function collectLicenses(chunks: readonly OutputChunk[]): Promise<string> {
  const folders = new Set<string>();
  for (const file of chunks.flatMap(({ moduleIds }) => moduleIds)) {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
    if (folder !== undefined) folders.add(folder);
  }
  const texts = await Promise.all([...folders].toSorted().map(describePackage));
  const apache = await readFile(join(ROOT, "node_modules", APACHE_TEXT), "utf8");
  return `This program contains the following packages.\n\n${texts.join("\n")}\n${apache.trim()}\n`;
}

async function describePackage(folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const { name, version, license, devDependencies } = Manifest.parse(manifest);
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "" : await readFile(join(folder, file), "utf8");
  const contained = (CONTAINED[name] ?? []).map(
    (inner) =>
      `\n--- ${inner.name} ${devDependencies[inner.name] ?? ""} (${inner.license}), inside ${name}\n\n${inner.notice}\n`,
  );
  return `--- ${name} ${version} (${license})\n\n${text.trim()}\n${contained.join("")}`;
}
