import type { PageOfRun, RunEvidence } from "../../../task-api/evidence.ts";
import type { Cut, SeenDocument, SeenPassage } from "../run-report.ts";
import { oneLine } from "../text.ts";
import { pageItems, pageText, weightOf } from "./pages.ts";

/** Weights, as in `pageText`. */
const PassageBudget = {
  page: 13_000,
  /** More hits than these an agent rarely wants at once. */
  hits: 8_000,
  /** Our engine's passages are shorter; those of other backends may be of any length. */
  text: 5_000,
  line: 400,
  id: 40,
} as const;

/** What a report shows of the sources of a run. */
export interface PassagesView {
  documents: SeenDocument[];
  cut?: Cut | undefined;
}

/** A passage and what is shown of it. */
interface Shown {
  page: PageOfRun;
  passage: SeenPassage;
}

/** The id of a passage in an output of our engine. */
const PASSAGE_ID = /\bp\d{1,6}\.\d{1,6}\b/g;

/** The ids of passages that a text names. */
export function passageIdsIn(text: string): Set<string> {
  return new Set(text.match(PASSAGE_ID));
}

/** The passage and as many of its neighbours as fit, the nearest first. `leftOut`: those that did not fit. */
export function viewAround(
  evidence: RunEvidence,
  asked: string,
): PassagesView & { leftOut: { before?: string | undefined; after?: string | undefined } } {
  const all = showPassages(evidence);
  const at = all.findIndex(({ passage }) => passage.id === asked);
  let [first, end] = [at, at + 1];
  let left = PassageBudget.page - weightOf(all[at]?.passage);
  for (let isFull = at === -1; !isFull;) {
    isFull = true;
    for (const next of [end, first - 1]) {
      const neighbour = all[next]?.passage;
      if (neighbour === undefined || weightOf(neighbour) > left) continue;
      left -= weightOf(neighbour);
      [first, end] = [Math.min(first, next), Math.max(end, next + 1)];
      isFull = false;
    }
  }
  return {
    documents: byDocument(all.slice(first, end)),
    leftOut: { before: all[first - 1]?.passage.id, after: all[end]?.passage.id },
  };
}

/** The headings of a document, from the `offset`-th. Throws `InvalidArguments`. */
export function viewOutline({ pages, outline }: RunEvidence, offset: number): PassagesView {
  const headings = outline.map(({ heading, passage_id: id, is_kept: isKept }) => ({
    id: oneLine(id, PassageBudget.id),
    heading: oneLine(heading === "" ? "(beginning)" : heading, PassageBudget.line),
    ...(!isKept && { not_kept: true }),
  }));
  const { items, cut } = pageItems(headings, offset, {
    budget: PassageBudget.page,
    unit: "headings",
  });
  return { documents: pages.map((page) => ({ ...showPage(page), passages: items })), cut };
}

/** The hits from the `offset`-th on, without those that the answer has shown. */
export function viewHits(
  evidence: RunEvidence,
  { offset, known }: { offset: number; known: ReadonlySet<string> },
): PassagesView {
  const hits = showPassages(evidence).map((shown, index) => ({ shown, place: offset + index }));
  const others = hits.filter(({ shown }) => !known.has(shown.passage.id));
  const { items } = pageItems(
    others.map(({ shown }) => shown.passage),
    0,
    { budget: PassageBudget.hits, unit: "passages" },
  );
  const nextOffset = others[items.length]?.place ?? evidence.next_offset;
  return {
    documents: byDocument(others.slice(0, items.length).map(({ shown }) => shown)),
    cut: {
      offset,
      ...(nextOffset === null ? {} : { next_offset: nextOffset }),
      total: evidence.hits_total,
      unit: "passages",
    },
  };
}

/** Joins passages that follow each other in one document; their order stays. */
function byDocument(shown: readonly Shown[]): SeenDocument[] {
  const documents: SeenDocument[] = [];
  for (const { page, passage } of shown) {
    const last = documents.at(-1);
    if (last?.id === page.id) last.passages.push(passage);
    else documents.push({ ...showPage(page), passages: [passage] });
  }
  return documents;
}

function showPage({ id, title, url, published_on: published, passage_count }: PageOfRun) {
  return {
    id: oneLine(id, PassageBudget.id),
    title: oneLine(title, PassageBudget.line),
    url: oneLine(url, PassageBudget.line),
    ...(published !== null && { published_on: oneLine(published, PassageBudget.id) }),
    passage_count,
  };
}

function showPassages({ pages, passages }: RunEvidence): Shown[] {
  return passages.flatMap(({ id, page_id: pageId, heading, place, url, text }) => {
    const page = pages.find((one) => one.id === pageId);
    if (page === undefined) return [];
    const shown = pageText(text, 0, PassageBudget.text);
    const passage: SeenPassage = {
      id: oneLine(id, PassageBudget.id),
      ...(heading !== "" && { heading: oneLine(heading, PassageBudget.line) }),
      ...(place !== null && { place: oneLine(place, PassageBudget.id) }),
      ...(url !== page.url && { url: oneLine(url, PassageBudget.line) }),
      text: shown.nextOffset === null ? text : `${shown.text}…`,
    };
    return [{ page, passage }];
  });
}
