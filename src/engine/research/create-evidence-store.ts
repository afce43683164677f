import { setImmediate } from "node:timers/promises";
import type { Database } from "../../database/open-database.ts";
import type { DocumentPassage, PassageReader } from "../sources/source.ts";
import {
  findMissingBlocks,
  type FoundPage,
  groupByPage,
  type PageContent,
  readContent,
  readKept,
  readOutline,
  storeContent,
} from "./evidence-pages.ts";
import type { EvidencePassage, EvidenceStore } from "./evidence-store.ts";
import {
  addToRun,
  passageIdOf,
  readPassageId,
  readRunPages,
  type SeenPage,
  toEvidence,
  toPage,
} from "./run-evidence.ts";

/** Hits of one search that are to be kept. */
interface Keeping {
  runId: string;
  hits: readonly DocumentPassage[];
  found: readonly FoundPage[];
  reader: PassageReader;
}

/** The evidence store on the engine's database. */
export function createEvidenceStore(db: Database): EvidenceStore {
  async function readPages(runId: string): Promise<SeenPage[]> {
    return (await readRunPages(db, [runId])).get(runId) ?? [];
  }

  async function findPage(runId: string, pageId: string): Promise<SeenPage | undefined> {
    return (await readPages(runId)).find(({ id }) => id === pageId);
  }

  return {
    keep: createKeep(db),

    async hits(runId, { offset, limit }) {
      const all = (await readPages(runId)).flatMap((page) =>
        [...page.hits].map(([position, order]) => ({ page, position, order })),
      );
      const asked = all.toSorted((a, b) => a.order - b.order).slice(offset, offset + limit);
      const passages: EvidencePassage[] = [];
      for (const { page, position } of asked) {
        const kept = await readKept(db, page.hash, position, position + 1);
        passages.push(...kept.map((passage) => toEvidence(page, passage)));
      }
      return { passages, total: all.length };
    },

    async around(runId, passageId, around) {
      const { pageId, position } = readPassageId(passageId);
      const page = await findPage(runId, pageId);
      if (page === undefined) return [];
      const start = Math.max(0, position - around);
      const kept = await readKept(db, page.hash, start, position + around + 1);
      return withoutGaps(kept, position).map((passage) => toEvidence(page, passage));
    },

    async outline(runId, pageId) {
      const page = await findPage(runId, pageId);
      if (page === undefined) return null;
      const entries = (await readOutline(db, page.hash)).map((entry) => ({
        ...entry,
        id: passageIdOf(page, entry.position),
      }));
      return { page: toPage(page), entries };
    },

    pages: async (runId) => (await readPages(runId)).map(toPage),

    async readPage(runId, pageId) {
      const page = await findPage(runId, pageId);
      if (page === undefined) return [];
      const kept = await readKept(db, page.hash, 0, page.passageCount);
      return kept.map((passage) => toEvidence(page, passage));
    },
  };
}

/**
 * Keeps the hits of all searches of one turn of the event loop in one transaction, because a commit costs more than the
 * rows in it. When that fails each is tried alone, so that none fails because of another.
 */
function createKeep(db: Database): EvidenceStore["keep"] {
  interface Waiting extends Keeping {
    resolve(passages: EvidencePassage[]): void;
    reject(error: unknown): void;
  }
  let waiting: Waiting[] = [];

  async function keepWaiting(): Promise<void> {
    await setImmediate();
    const together = waiting;
    waiting = [];
    try {
      const kept = await keepTogether(db, together);
      for (const [index, { resolve }] of together.entries()) resolve(kept[index] ?? []);
    } catch (error) {
      for (const keeping of together) {
        if (together.length === 1) keeping.reject(error);
        else
          keepTogether(db, [keeping]).then(
            ([passages = []]) => keeping.resolve(passages),
            keeping.reject,
          );
      }
    }
  }

  return async (runId, hits, reader) => {
    if (hits.length === 0) return [];
    const found = groupByPage(hits);
    return new Promise((resolve, reject) => {
      waiting.push({ runId, hits, reader, found, resolve, reject });
      if (waiting.length === 1) void keepWaiting();
    });
  };
}

/** Resolves to the hits of each with their ids. */
async function keepTogether(db: Database, asked: readonly Keeping[]): Promise<EvidencePassage[][]> {
  let keepings = asked;
  let contents: PageContent[] = [];
  for (;;) {
    const { missing, kept } = await db.transaction().execute(async (trx) => {
      await storeContent(trx, contents);
      // Read in the transaction that refers to them: retention may have removed pages that were there before.
      const found = keepings.flatMap((keeping) => keeping.found);
      const lacking = await findMissingBlocks(trx, found);
      return { missing: lacking, kept: lacking.size > 0 ? [] : await addToRuns(trx, keepings) };
    });
    if (missing.size === 0) return kept;
    const read = new Map<FoundPage, PageContent>();
    for (const { found, reader } of keepings) {
      for (const page of found) {
        const blocks = missing.get(page);
        if (blocks !== undefined) read.set(page, await readContent(page, blocks, reader));
      }
    }
    contents = [...read.values()];
    keepings = keepings.map((keeping) => ({
      ...keeping,
      found: keeping.found.map((page) => asRead(page, read.get(page))),
    }));
  }
}

async function addToRuns(
  trx: Database,
  keepings: readonly Keeping[],
): Promise<EvidencePassage[][]> {
  const pages = await readRunPages(
    trx,
    keepings.map(({ runId }) => runId),
  );
  const kept: EvidencePassage[][] = [];
  for (const keeping of keepings) {
    kept.push(await addToRun(trx, keeping.runId, pages.get(keeping.runId) ?? [], keeping));
  }
  return kept;
}

/** The page under the hash of what was read of it. */
function asRead(page: FoundPage, content: PageContent | undefined): FoundPage {
  if (content === undefined || content.hash === page.hash) return page;
  return { ...page, hash: content.hash, blocks: [...content.blocks.keys()] };
}

/** The passages that follow each other up to the one at `position` and from it; empty when that one is not kept. */
function withoutGaps<Kept extends { position: number }>(
  passages: readonly Kept[],
  position: number,
): Kept[] {
  const at = passages.findIndex((passage) => passage.position === position);
  if (at === -1) return [];
  return passages.filter((passage, index) => passage.position - position === index - at);
}
