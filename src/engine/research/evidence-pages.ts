import { createHash } from "node:crypto";
import { z } from "zod";
import type { Database } from "../../database/open-database.ts";
import { writePlace } from "../sources/place.ts";
import type {
  DocumentPassage,
  IndexedDocument,
  OutlineEntry,
  PassageReader,
} from "../sources/source.ts";

/**
 * Passages are kept in blocks, because a row for each would cost more than all else in a short run. A block and those
 * beside it hold at least so many passages on each side of a hit.
 */
const BLOCK_SIZE = 32;
/** A page of so many blocks is kept whole: some 100 kB. */
const WHOLE_PAGE_BLOCKS = 4;
/** More headings are no overview. */
const MAX_OUTLINE = 300;

/** A passage as a block holds it. */
const KeptPassage = z.object({
  position: z.number(),
  heading: z.string(),
  text: z.string(),
  place: z.object({ unit: z.enum(["page", "slide", "line"]), number: z.number() }).nullable(),
});
export type KeptPassage = z.output<typeof KeptPassage>;
const KeptBlock = z.array(KeptPassage);
const KeptOutline = z.array(z.object({ heading: z.string(), position: z.number() }));

/** A page that hits of one search are on. */
export interface FoundPage {
  document: IndexedDocument;
  /** Names the content: the hash of the document, or of the hits alone when the document has changed since. */
  hash: string;
  hits: readonly DocumentPassage[];
  /** The blocks to keep. */
  blocks: readonly number[];
}

/** What is to be stored of a page. */
export interface PageContent {
  hash: string;
  passageCount: number;
  outline: readonly OutlineEntry[];
  blocks: ReadonlyMap<number, readonly KeptPassage[]>;
}

/** The pages of the hits, in the order of the first hit on each. */
export function groupByPage(hits: readonly DocumentPassage[]): FoundPage[] {
  const groups = new Map<string, DocumentPassage[]>();
  for (const hit of hits) {
    const key = pageKey(hit.document);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [hit]);
    else group.push(hit);
  }
  return [...groups.values()].flatMap((group) => {
    const document = group[0]?.document;
    if (document === undefined) return [];
    return { document, hash: document.hash, hits: group, blocks: blocksToKeep(document, group) };
  });
}

/** Files with one content are different pages. */
export function pageKey({ hash, url }: Pick<IndexedDocument, "hash" | "url">): string {
  return `${hash} ${url}`;
}

function blockOf(position: number): number {
  return Math.floor(position / BLOCK_SIZE);
}

/** The blocks with a hit and those beside them; all of a small page. */
function blocksToKeep(document: IndexedDocument, hits: readonly DocumentPassage[]): number[] {
  const count = blockOf(document.passageCount - 1) + 1;
  const all = Array.from({ length: count }, (_, block) => block);
  if (count <= WHOLE_PAGE_BLOCKS) return all;
  const withHit = hits.map(({ position }) => blockOf(position));
  return all.filter((block) => withHit.some((other) => Math.abs(block - other) <= 1));
}

/** The blocks that are not stored yet, for each page that lacks some. */
export async function findMissingBlocks(
  db: Database,
  pages: readonly FoundPage[],
): Promise<Map<FoundPage, number[]>> {
  const hashes = [...new Set(pages.map(({ hash }) => hash))];
  const rows = await db
    .selectFrom("evidence_blocks")
    .select(["hash", "block"])
    .where("hash", "in", hashes)
    .execute();
  const stored = new Set(rows.map(({ hash, block }) => `${hash} ${block}`));
  const missing = new Map<FoundPage, number[]>();
  for (const page of pages) {
    const blocks = page.blocks.filter((block) => !stored.has(`${page.hash} ${block}`));
    if (blocks.length > 0) missing.set(page, blocks);
  }
  return missing;
}

/**
 * Reads the blocks of a page. Of a document that has changed since it was searched, only the hits are left: they are
 * kept under a hash of their own, so that the text of one version never stands under the hash of another.
 */
export async function readContent(
  { document, hash, hits }: FoundPage,
  blocks: readonly number[],
  reader: PassageReader,
): Promise<PageContent> {
  const content = new Map<number, readonly KeptPassage[]>();
  for (const [first, end] of joinRanges(blocks)) {
    const passages = await reader.read(document, first * BLOCK_SIZE, end * BLOCK_SIZE);
    if (passages.length === 0) return contentOfHits(document, hits);
    for (let block = first; block < end; block += 1) {
      content.set(block, passages.filter(({ position }) => blockOf(position) === block).map(pick));
    }
  }
  const outline = await reader.outline(document, MAX_OUTLINE);
  return { hash, passageCount: document.passageCount, outline, blocks: content };
}

function contentOfHits(document: IndexedDocument, hits: readonly DocumentPassage[]): PageContent {
  const passages = hits.map(pick).toSorted((a, b) => a.position - b.position);
  const hash = createHash("sha256").update(document.hash);
  const blocks = new Map<number, KeptPassage[]>();
  for (const passage of passages) {
    const { position, heading, text, place } = passage;
    hash.update(`\0${position}\0${heading}\0${text}\0${writePlace(place)}`);
    const block = blocks.get(blockOf(position)) ?? [];
    blocks.set(blockOf(position), [...block, passage]);
  }
  return {
    hash: hash.digest("hex"),
    passageCount: document.passageCount,
    outline: passages.map(({ heading, position }) => ({ heading, position })),
    blocks,
  };
}

function pick({ position, heading, text, place }: DocumentPassage): KeptPassage {
  return { position, heading, text, place };
}

/** `[1, 2, 5]` as `[1, 3)` and `[5, 6)`: fewer reads. */
function joinRanges(blocks: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const block of blocks) {
    const last = ranges.at(-1);
    if (last?.[1] === block) last[1] = block + 1;
    else ranges.push([block, block + 1]);
  }
  return ranges;
}

/** Stores what is not there yet. */
export async function storeContent(trx: Database, contents: readonly PageContent[]): Promise<void> {
  for (const { hash, passageCount, outline, blocks } of contents) {
    await trx
      .insertInto("evidence_pages")
      .values({ hash, passage_count: passageCount, outline: JSON.stringify(outline) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await trx
      .insertInto("evidence_blocks")
      .values(
        [...blocks].map(([block, passages]) => ({
          hash,
          block,
          passages: JSON.stringify(passages),
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** The kept passages of a page from position `start` to `end` (not included), in order. */
export async function readKept(
  db: Database,
  hash: string,
  start: number,
  end: number,
): Promise<KeptPassage[]> {
  const rows = await db
    .selectFrom("evidence_blocks")
    .select("passages")
    .where("hash", "=", hash)
    .where("block", ">=", blockOf(start))
    .where("block", "<=", blockOf(end - 1))
    .orderBy("block")
    .execute();
  return rows
    .flatMap(({ passages }) => KeptBlock.parse(JSON.parse(passages)))
    .filter(({ position }) => position >= start && position < end);
}

/** The headings of a page, and which of its passages are kept. */
export async function readOutline(
  db: Database,
  hash: string,
): Promise<(OutlineEntry & { isKept: boolean })[]> {
  const [page, blocks] = await Promise.all([
    db
      .selectFrom("evidence_pages")
      .select("outline")
      .where("hash", "=", hash)
      .executeTakeFirstOrThrow(),
    db.selectFrom("evidence_blocks").select("block").where("hash", "=", hash).execute(),
  ]);
  const kept = new Set(blocks.map(({ block }) => block));
  return KeptOutline.parse(JSON.parse(page.outline)).map((entry) => ({
    ...entry,
    isKept: kept.has(blockOf(entry.position)),
  }));
}
