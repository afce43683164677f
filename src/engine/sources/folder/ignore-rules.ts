import { readFile } from "node:fs/promises";
import ignore, { type Ignore } from "ignore";

/** The rules of one `.gitignore`, for paths below where it lies. */
interface Level {
  /** Path of its folder inside the document folder, with a slash at the end; empty for the document folder. */
  prefix: string;
  rules: Ignore;
}

/** What the `.gitignore` files on the way to a folder leave out. Source: gitignore(5). */
export class IgnoreRules {
  static readonly none = new IgnoreRules([]);

  /** The deepest first: its word counts before that of those around it. */
  readonly #levels: readonly Level[];

  private constructor(levels: readonly Level[]) {
    this.#levels = levels;
  }

  /** These rules and those of one more file. A file that cannot be read has none. */
  async within(prefix: string, file: string): Promise<IgnoreRules> {
    const text = await readFile(file, "utf8").catch(() => "");
    return new IgnoreRules([{ prefix, rules: ignore().add(text) }, ...this.#levels]);
  }

  /** `path` is relative to the document folder; that of a folder ends with a slash. */
  exclude(path: string): boolean {
    for (const { prefix, rules } of this.#levels) {
      // A link may lead to where other rules came from.
      if (!path.startsWith(prefix)) continue;
      const { ignored, unignored } = rules.test(path.slice(prefix.length));
      if (ignored) return true;
      if (unignored) return false;
    }
    return false;
  }
}
