import { access, readFile, readdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";

const src = fileURLToPath(new URL("../src", import.meta.url));
/** Generated: lines as long as a tool's schema. */
const GENERATED = "mcp/tool-list.ts";

/** The text of each source file by its path under src. */
let sources: Map<string, string>;

beforeAll(async () => {
  const entries = await readdir(src, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
  const texts = await Promise.all(paths.map((path) => readFile(join(src, path), "utf8")));
  sources = new Map(paths.map((path, index) => [path, texts[index] ?? ""]));
});

describe("the folders of src", () => {
  it("depend on each other in one direction: at each level, folders and the files beside them form no circle", () => {
    expect(circles(levels(sources))).toEqual([]);
  });

  it("are found in a circle when there is one", () => {
    const made = new Map([
      ["a/x.ts", 'import { y } from "../b/inner/y.ts";'],
      ["a/z.ts", ""],
      ["b/inner/y.ts", 'export type { Z } from "../../a/z.ts";'],
      ["b/beside.ts", 'const lazy = import("./inner/y.ts");'],
    ]);
    expect(circles(levels(made))).toEqual(["src: a, b"]);
  });

  it("have a README of some ten lines each, whose paths exist", async () => {
    const entries = await readdir(src, { withFileTypes: true });
    for (const { name } of entries.filter((entry) => entry.isDirectory())) {
      const readme = await readFile(join(src, name, "README.md"), "utf8");
      expect(readme.trim().split("\n").length, name).toBeLessThanOrEqual(25);
      // `runs/` and `runs/run-store.ts` stand for places in the folder; other code spans do not end so.
      const spans = [...readme.matchAll(/`([\w./-]+(?:\.ts|\/))`/g)].flatMap(
        ([, span]) => span ?? [],
      );
      expect(spans.length, name).toBeGreaterThan(0);
      for (const span of spans) {
        const places = [join(src, name, span), join(src, span), join(src, "..", span)];
        const found = await Promise.all(
          places.map((place) =>
            access(place).then(
              () => true,
              () => false,
            ),
          ),
        );
        expect(found, `src/${name}/README.md: ${span}`).toContain(true);
      }
    }
  });
});

describe("the words of src", () => {
  it("name one thing each: no exported name is declared twice", () => {
    const places = new Map<string, Set<string>>();
    for (const [path, code] of sources) {
      for (const [, name = ""] of code.matchAll(EXPORTED)) {
        places.set(name, (places.get(name) ?? new Set()).add(path));
      }
    }
    const twice = [...places].filter(([, paths]) => paths.size > 1);
    expect(twice.map(([name, paths]) => `${name}: ${[...paths].join(", ")}`)).toEqual([]);
  });

  it("are plain: comments have subjects that a reader can name", () => {
    const riddles = [...sources].flatMap(([path, code]) =>
      code
        .split("\n")
        .filter((line) => /^\s*(?:\/\/|\/?\*)|\s\/\/ /.test(line) && RIDDLE.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    );
    expect(riddles).toEqual([]);
  });
});

/** Any export that declares a name; an interface or type and a value of one file may share theirs. */
const EXPORTED =
  /^export (?:declare |abstract |async )*(?:function\*?|const|let|class|interface|type|enum) ([\w$]+)/gm;
const RIDDLE = /\b(?:[Ww]hoever|Who (?!is)|be it that|seen to|[Ss]omebody|[Nn]obody)\b/;
const IMPORT = /\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;

/** By folder: which of its children imports which. An import counts where the paths of its two files part. */
type Levels = Map<string, Map<string, Set<string>>>;

function levels(files: ReadonlyMap<string, string>): Levels {
  const found: Levels = new Map();
  for (const [path, code] of files) {
    const imports = path === GENERATED ? [] : code.matchAll(IMPORT);
    for (const [, specifier = ""] of imports) {
      const from = path.split("/");
      const to = join(dirname(path), specifier).replaceAll("\\", "/").split("/");
      const shared = from.findIndex((part, index) => part !== to[index]);
      const [importer, imported] = [from[shared], to[shared]];
      if (importer === undefined || imported === undefined) continue;
      const level = ["src", ...from.slice(0, shared)].join("/");
      const children = found.get(level) ?? new Map<string, Set<string>>();
      children.set(importer, (children.get(importer) ?? new Set()).add(imported));
      found.set(level, children);
    }
  }
  return found;
}

/** Children that reach each other, by level: `src/engine: runs, webhooks`. */
function circles(graph: Levels): string[] {
  return [...graph].flatMap(([level, children]) => {
    const reach = (start: string) => {
      const seen = new Set<string>();
      const next = [...(children.get(start) ?? [])];
      for (let child = next.pop(); child !== undefined; child = next.pop()) {
        if (!seen.has(child)) next.push(...(children.get(child) ?? []));
        seen.add(child);
      }
      return seen;
    };
    const inCircle = [...children.keys()].filter((child) => reach(child).has(child));
    return inCircle.length > 0 ? [`${level}: ${inCircle.toSorted().join(", ")}`] : [];
  });
}
