/** A part of a Markdown text: a heading and everything under it, deeper headings included. */
export interface Section {
  /** The heading's words; the second of the same words gets ` (2)`, and so on. */
  name: string;
  /** 1 to 6, as in Markdown. */
  level: number;
  /** Where the heading's line begins, and where the next heading of the same or a higher level does. */
  start: number;
  end: number;
}

/** A longer line is not a heading anyone would type; the limit also keeps the pattern below fast on hostile text. */
const HEADING_MAX_CHARS = 500;

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*$/;

/** The sections of a Markdown text, in order. Lines in a code fence are no headings. */
export function findSections(text: string): Section[] {
  const open: Section[] = [];
  const sections: Section[] = [];
  const timesSeen = new Map<string, number>();
  let fence: string | null = null;
  let start = 0;
  for (const line of text.split("\n")) {
    const mark = FENCE.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence) === true) fence = null;
    } else if (mark !== undefined) {
      fence = mark;
    } else {
      const [, hashes, words] =
        line.length > HEADING_MAX_CHARS ? [] : (HEADING.exec(line.trimEnd()) ?? []);
      if (hashes !== undefined && words !== undefined) {
        const level = hashes.length;
        while ((open.at(-1)?.level ?? 0) >= level) {
          const closed = open.pop();
          if (closed !== undefined) closed.end = start;
        }
        const name = plainWords(words);
        const times = (timesSeen.get(name) ?? 0) + 1;
        timesSeen.set(name, times);
        const section: Section = {
          name: times === 1 ? name : `${name} (${times})`,
          level,
          start,
          end: text.length,
        };
        open.push(section);
        sections.push(section);
      }
    }
    start += line.length + 1;
  }
  return sections;
}

/** The section a reader means: by its name, whatever the case, or by the only name that begins so. */
export function pickSection(sections: readonly Section[], asked: string): Section | undefined {
  const wanted = fold(asked.replace(/^#+\s+/, ""));
  const same = sections.find(({ name }) => fold(name) === wanted);
  if (same !== undefined) return same;
  const beginning = sections.filter(({ name }) => fold(name).startsWith(wanted));
  return beginning.length === 1 ? beginning[0] : undefined;
}

/** The words without emphasis, code marks and link targets: what a reader would type. */
function plainWords(words: string): string {
  return words
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/[*`]|\b_+|_+\b/g, "")
    .trim();
}

function fold(name: string): string {
  return name.normalize("NFKC").toLowerCase().replaceAll(/\s+/g, " ").trim();
}
