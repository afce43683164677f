import { Hono } from "hono";
import type { PageOfRun, PassageOfRun, RunEvidence } from "../../task-api/evidence.ts";
import type { EvidencePage, EvidencePassage, EvidenceStore } from "../research/evidence-store.ts";
import type { RunStore } from "../runs/run-store.ts";
import { citedUrl, showPlace } from "../sources/place.ts";
import { unprocessable } from "./api-error.ts";
import { handle } from "./endpoints/endpoint.ts";
import { runEndpoints } from "./endpoints/run-endpoints.ts";
import type { RequestEnv } from "./request-context.ts";
import { requireRun } from "./run-routes.ts";

export interface EvidenceRoutesContext {
  runs: RunStore;
  evidence: EvidenceStore;
}

/** What a run has seen, for its reader: an extension of ours. */
export function createEvidenceRoutes({ runs, evidence }: EvidenceRoutesContext): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();

  handle(routes, runEndpoints.readEvidence, async (c, { passage, page, around, offset, limit }) => {
    const { runId } = await requireRun(c, runs);
    if (passage !== undefined) return c.json(await readAround(runId, passage, around));
    if (page !== undefined) return c.json(await readOutline(runId, page));
    return c.json(await readHits(runId, offset, limit));
  });

  async function readAround(runId: string, passage: string, around: number): Promise<RunEvidence> {
    // As many again on each side: the next call should show what follows, and not the same once more.
    const read = await evidence.around(runId, passage, 2 * around + 1);
    const at = read.findIndex(({ id }) => id === passage);
    if (at === -1) throw unknownPart("passage", await whyUnknown(runId, passage));
    const first = Math.max(0, at - around);
    const end = Math.min(at + around + 1, read.length);
    const before = read[Math.max(0, first - 1 - around)];
    const after = read[Math.min(end + around, read.length - 1)];
    return {
      ...(await describe(runId, read.slice(first, end))),
      previous_passage_id: first === 0 ? null : (before?.id ?? null),
      next_passage_id: end === read.length ? null : (after?.id ?? null),
    };
  }

  async function readOutline(runId: string, pageId: string): Promise<RunEvidence> {
    const outline = await evidence.outline(runId, pageId);
    if (outline === null) throw unknownPart("page", await whyUnknown(runId, pageId));
    const { page, entries } = outline;
    return {
      ...(await describe(runId, [])),
      pages: [toPageOfRun(page)],
      outline: entries.map(({ heading, id, isKept }) => ({
        heading,
        passage_id: id,
        is_kept: isKept,
      })),
    };
  }

  async function readHits(runId: string, offset: number, limit: number): Promise<RunEvidence> {
    const { passages, total } = await evidence.hits(runId, { offset, limit });
    const next = offset + limit;
    return { ...(await describe(runId, passages)), next_offset: next < total ? next : null };
  }

  async function describe(
    runId: string,
    passages: readonly EvidencePassage[],
  ): Promise<RunEvidence> {
    const pages = new Map(passages.map(({ page }) => [page.id, toPageOfRun(page)]));
    const { total } = await evidence.hits(runId, { offset: 0, limit: 0 });
    return {
      pages: [...pages.values()],
      passages: passages.map(toPassageOfRun),
      outline: [],
      hits_total: total,
      next_offset: null,
      previous_passage_id: null,
      next_passage_id: null,
    };
  }

  /** What there is instead of an id that the run does not have. */
  async function whyUnknown(runId: string, id: string): Promise<string> {
    const pages = await evidence.pages(runId);
    const last = pages.at(-1);
    if (last === undefined) return "the run has kept no passages";
    const [pageId] = id.split(".");
    const page = pages.find((one) => one.id === pageId);
    if (page === undefined)
      return `the run has ${pages.length === 1 ? "page" : "pages"} ${rangeText(["p1", last.id])}`;
    const kept = await evidence.readPage(runId, page.id);
    const ranges = rangesOf(kept).map(rangeText);
    const isWhole = kept.length === page.passageCount;
    return `of page ${page.id} the run has ${isWhole ? "" : "kept what is near its hits: "}passages ${ranges.join(", ")}`;
  }

  return routes;
}

function toPageOfRun({ id, title, url, publishedOn, passageCount }: EvidencePage): PageOfRun {
  return { id, title, url, published_on: publishedOn, passage_count: passageCount };
}

function toPassageOfRun({ id, page, heading, place, text }: EvidencePassage): PassageOfRun {
  return {
    id,
    page_id: page.id,
    heading,
    place: place && showPlace(place),
    url: citedUrl(page.url, place),
    text,
  };
}

const unknownPart = (name: "passage" | "page", msg: string) =>
  unprocessable([{ type: `${name}_unknown`, loc: ["query", name], msg }]);

/** The first and the last of the passages that follow each other. */
function rangesOf(passages: readonly EvidencePassage[]): [string, string][] {
  const ranges: { first: EvidencePassage; last: EvidencePassage }[] = [];
  for (const passage of passages) {
    const range = ranges.at(-1);
    if (range?.last.position === passage.position - 1) range.last = passage;
    else ranges.push({ first: passage, last: passage });
  }
  return ranges.map(({ first, last }) => [first.id, last.id]);
}

function rangeText([first, last]: [string, string]): string {
  return first === last ? first : `${first} to ${last}`;
}
