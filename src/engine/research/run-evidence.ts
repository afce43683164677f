import { z } from "zod";
import type { Database } from "../../database/open-database.ts";
import type { DocumentPassage } from "../sources/source.ts";
import { type FoundPage, pageKey } from "./evidence-pages.ts";
import type { EvidencePage, EvidencePassage } from "./evidence-store.ts";

/** A page of a run, with its number and the content it refers to. */
export interface SeenPage extends EvidencePage {
  number: number;
  hash: string;
  /** Position of a passage → where it is among the hits of the run. */
  hits: Map<number, number>;
}

const KeptHits = z.array(z.tuple([z.number(), z.number()]));

/** The pages of these runs, in order. */
export async function readRunPages(
  db: Database,
  runIds: readonly string[],
): Promise<Map<string, SeenPage[]>> {
  const rows = await db
    .selectFrom("run_evidence")
    .innerJoin("evidence_pages", "evidence_pages.hash", "run_evidence.hash")
    .select(["run_id", "page", "run_evidence.hash", "title", "url", "published_on", "hits"])
    .select("passage_count")
    .where("run_id", "in", runIds)
    .orderBy("run_id")
    .orderBy("page")
    .execute();
  const pages = new Map(runIds.map((runId): [string, SeenPage[]] => [runId, []]));
  for (const row of rows) {
    pages.get(row.run_id)?.push({
      id: `p${row.page}`,
      number: row.page,
      hash: row.hash,
      title: row.title,
      url: row.url,
      publishedOn: row.published_on,
      passageCount: row.passage_count,
      hits: new Map(KeptHits.parse(JSON.parse(row.hits)).map(([order, at]) => [at, order])),
    });
  }
  return pages;
}

/**
 * Adds hits to those of a run, of which `pages` are all so far: what the run has already keeps its number and its place.
 * Resolves to the hits with their ids.
 */
export async function addToRun(
  trx: Database,
  runId: string,
  pages: SeenPage[],
  { hits, found }: { hits: readonly DocumentPassage[]; found: readonly FoundPage[] },
): Promise<EvidencePassage[]> {
  const known = new Map(pages.map((page) => [pageKey(page), page]));
  const pageOf = new Map<string, SeenPage>();
  for (const { document, hash } of found) {
    const key = pageKey({ hash, url: document.url });
    const page = known.get(key) ?? newPage(document, hash, pages.length + 1);
    pageOf.set(pageKey(document), page);
    if (known.has(key)) continue;
    known.set(key, page);
    pages.push(page);
  }
  const changed = new Set<SeenPage>();
  let order = pages.reduce((sum, page) => sum + page.hits.size, 0);
  const passages = hits.flatMap((hit) => {
    const page = pageOf.get(pageKey(hit.document));
    if (page === undefined) return [];
    if (!page.hits.has(hit.position)) {
      page.hits.set(hit.position, order);
      order += 1;
      changed.add(page);
    }
    return [toEvidence(page, hit)];
  });
  if (changed.size > 0) await storeRunPages(trx, runId, [...changed]);
  return passages;
}

function newPage(
  { title, url, publishedOn, passageCount }: DocumentPassage["document"],
  hash: string,
  number: number,
): SeenPage {
  return { id: `p${number}`, number, hash, title, url, publishedOn, passageCount, hits: new Map() };
}

async function storeRunPages(
  trx: Database,
  runId: string,
  pages: readonly SeenPage[],
): Promise<void> {
  await trx
    .insertInto("run_evidence")
    .values(
      pages.map((page) => ({
        run_id: runId,
        page: page.number,
        hash: page.hash,
        title: page.title,
        url: page.url,
        published_on: page.publishedOn,
        hits: JSON.stringify([...page.hits].map(([position, order]) => [order, position])),
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(["run_id", "page"])
        .doUpdateSet({ hits: (expression) => expression.ref("excluded.hits") }),
    )
    .execute();
}

export function toEvidence(
  page: SeenPage,
  { position, heading, text, place }: Omit<EvidencePassage, "id" | "page">,
): EvidencePassage {
  return { id: passageIdOf(page, position), page: toPage(page), position, heading, text, place };
}

export function toPage({ id, title, url, publishedOn, passageCount }: SeenPage): EvidencePage {
  return { id, title, url, publishedOn, passageCount };
}

export function passageIdOf(page: Pick<EvidencePage, "id">, position: number): string {
  return `${page.id}.${position + 1}`;
}

/** The parts of `p1.4`; of anything else, parts that no page and no passage has. */
export function readPassageId(passageId: string): { pageId: string; position: number } {
  const [, pageId = "", number] = /^(p\d+)\.(\d{1,9})$/.exec(passageId) ?? [];
  return { pageId, position: number === undefined ? -1 : Number(number) - 1 };
}
