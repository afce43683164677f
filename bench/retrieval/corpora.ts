// Copies real documents into a folder for the bench to ask about: the Markdown files of the installed npm packages, and
// the documentation packages of Debian that are installed. None of them is part of this project.
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

interface Source {
  /** Where the copies go, below the folder of the corpus. */
  to: string;
  from: string;
  /** Which files, by their path below `from`. */
  files: RegExp;
}

const NODE_MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const DOC = "/usr/share/doc";
const GUIDE = `${DOC}/installation-guide-amd64`;
const HANDBOOK = `${DOC}/debian-handbook/html`;
const REFERENCE = "/usr/share/debian-reference";

/** Changelogs and licences are left out: they answer few questions, and their text is the same in many packages. */
const NPM: readonly Source[] = [
  { to: "npm", from: NODE_MODULES, files: /^(?!.*(?:changelog|licen[cs]e|history)).*\.md$/i },
];

const DEBIAN: readonly Source[] = [
  { to: "rfc", from: `${DOC}/RFC`, files: /^(?:draft-)?standard\/.*\.txt\.gz$/ },
  { to: "pg", from: `${DOC}/postgresql-doc-15/html`, files: /\.html$/ },
  { to: "python", from: `${DOC}/python3.11/html`, files: /\.(?:html|txt)$/ },
  { to: "git", from: `${DOC}/git-doc`, files: /\.html$/ },
  { to: "sqlite", from: `${DOC}/sqlite3`, files: /\.html$/ },
  { to: "debian/policy", from: `${DOC}/debian-policy`, files: /\.html$/ },
  { to: "debian/developers-reference", from: `${DOC}/developers-reference/docs`, files: /\.html$/ },
  { to: "debian/handbook", from: `${HANDBOOK}/en-US`, files: /\.html$/ },
  { to: "debian/installation-guide", from: `${GUIDE}/en`, files: /\.html$/ },
  { to: "debian/reference", from: REFERENCE, files: /\.en\.html$/ },
  { to: "pdf/gnuplot", from: `${DOC}/gnuplot`, files: /\.pdf$/ },
  { to: "pdf/r", from: "/usr/share/R/doc/manual", files: /^(?!fullrefman).*\.pdf$/ },
  { to: "pdf/bash", from: `${DOC}/bash`, files: /\.pdf$/ },
  { to: "pdf/policy", from: `${DOC}/debian-policy`, files: /^policy\.pdf\.gz$/ },
];

const LANGUAGES: readonly Source[] = [
  {
    to: "langs/reference",
    from: REFERENCE,
    files: /\.(?:de|fr|ja|zh-cn)\.html$/,
  },
  {
    to: "langs/handbook",
    from: HANDBOOK,
    files: /^(?:ar-MA|de-DE|es-ES|fr-FR|ja-JP|ko-KR|pt-BR|ru-RU|zh-CN)\/.*\.html$/,
  },
  {
    to: "langs/installation-guide",
    from: GUIDE,
    files: /^(?:cs|da|de|es|fr|it|ja|ko|nl|pt|ru|sv|zh_CN)\/.*\.html$/,
  },
];

export const CORPORA = { npm: NPM, debian: DEBIAN, languages: LANGUAGES };

/** Copies what is installed of `sources` below `folder`, and tells what is not installed. */
export async function copyCorpus(
  sources: readonly Source[],
  folder: string,
): Promise<{ count: number; missing: string[] }> {
  const missing = sources.filter(({ from }) => !existsSync(from));
  let count = 0;
  for (const source of sources.filter((one) => !missing.includes(one))) {
    const entries = await readdir(source.from, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(source.from.length + 1);
      if (entry.isDirectory() || !source.files.test(name)) continue;
      await copyInto(path, join(folder, source.to, plainName(name)));
      count += 1;
    }
  }
  return { count, missing: missing.map(({ from }) => from) };
}

/** The folder reader passes over hidden folders and folders called node_modules. */
function plainName(name: string): string {
  return name
    .replaceAll("node_modules/", "nested/")
    .replaceAll(/(^|\/)\./g, "$1dot-")
    .replace(/\.gz$/, "");
}

async function copyInto(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  if (from.endsWith(".gz")) await writeFile(to, gunzipSync(await readFile(from)));
  else await copyFile(from, to);
}
