import { type RawBuilder, sql } from "kysely";
import type { Database } from "../../../database/open-database.ts";
import type { SourcePolicy } from "../../../task-api/run-input.ts";
import {
  createSourceFilter,
  type PolicedSource,
  type SourcePlace,
} from "../source-policy-filter.ts";
import { createSourceNames } from "./source-names.ts";
import { PASSAGES_PER_DOCUMENT } from "./store-documents.ts";
import { createVocabulary, type Vocabulary } from "./vocabulary.ts";

/** What an index holds, until a document changes. Only runs with a policy need the list of its documents. */
export interface DocumentState {
  version: number;
  vocabulary: Vocabulary;
  allow(policy: SourcePolicy | null | undefined): Promise<AllowedDocuments>;
  names(): Promise<ReturnType<typeof createSourceNames>>;
}

/** The documents that a run may use. */
export interface AllowedDocuments {
  documentCount: number;
  passageCount: number;
  /** Of a passage. */
  condition: RawBuilder<boolean>;
}

interface PolicedDocument extends PolicedSource {
  id: number;
  place: SourcePlace;
  passageCount: number;
}

/** Policies whose documents are kept; each is a list of numbers. */
const MAX_KEPT_POLICIES = 10;

export async function readDocumentState(
  db: Database,
  folders: readonly string[],
  version: number,
): Promise<DocumentState> {
  const counts = await db
    .selectFrom("documents")
    .select((query) => [
      sql<number>`folder IN (${sql.join(folders)})`.as("isOurs"),
      query.fn.countAll<number>().as("documents"),
      query.fn.sum<number>("passage_count").as("passages"),
    ])
    .groupBy("isOurs")
    .execute();
  const ours = counts.find(({ isOurs }) => isOurs === 1);
  const isAlone = counts.every(({ isOurs }) => isOurs === 1);
  const policies = new Map<string, Promise<AllowedDocuments>>();
  let documents: Promise<PolicedDocument[]> | undefined;
  let names: ReturnType<typeof createSourceNames> | undefined;

  const readDocuments = () => (documents ??= readPoliced(db, folders));

  async function filter(policy: SourcePolicy | null | undefined): Promise<AllowedDocuments> {
    const all = await readDocuments();
    const isAllowed = createSourceFilter(policy);
    const allowed = all.filter(isAllowed);
    const ids = sql`(SELECT value FROM json_each(${JSON.stringify(allowed.map(({ id }) => id))}))`;
    const id = sql`passages.rowid / ${sql.lit(PASSAGES_PER_DOCUMENT)}`;
    return {
      documentCount: allowed.length,
      passageCount: allowed.reduce((total, { passageCount }) => total + passageCount, 0),
      condition: sql<boolean>`${id} IN ${ids}`,
    };
  }

  return {
    version,
    vocabulary: createVocabulary(db),
    async allow(policy) {
      if (isAlone && (policy === null || policy === undefined)) {
        const { documents: documentCount = 0, passages: passageCount = 0 } = ours ?? {};
        return { documentCount, passageCount, condition: sql<boolean>`TRUE` };
      }
      const key = JSON.stringify(policy ?? null);
      const known = policies.get(key);
      if (known !== undefined) return known;
      if (policies.size >= MAX_KEPT_POLICIES) policies.clear();
      const allowed = filter(policy);
      policies.set(key, allowed);
      return allowed;
    },
    names: async () => (names ??= createSourceNames(await readDocuments())),
  };
}

async function readPoliced(db: Database, folders: readonly string[]): Promise<PolicedDocument[]> {
  const found = await db
    .selectFrom("documents")
    .select(["id", "url", "published_on as publishedOn", "passage_count as passageCount"])
    .select(["folder", "path"])
    .where("folder", "in", folders)
    .orderBy("id")
    .execute();
  return found.map(({ folder, path, ...document }) => ({ ...document, place: { folder, path } }));
}
