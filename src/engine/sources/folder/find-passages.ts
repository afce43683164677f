import { sql } from "kysely";
import type { Database } from "../../../database/open-database.ts";
import type { FoundPassage, PassageSearch } from "../source.ts";
import { splitSentences } from "../text/sentences.ts";
import { fromIndexedText, toMatchExpression } from "../text/words.ts";
import type { AllowedDocuments } from "./document-state.ts";
import { createPassageReader } from "./read-passages.ts";

/** The former interface of {@link PassageSearch}. */
export function createOldSearch(
  db: Database,
  folders: readonly string[],
  { condition }: AllowedDocuments,
): Pick<PassageSearch, "countPassages" | "find"> {
  const reader = createPassageReader(db, folders);
  const leads = new Map<number, string>();
  const kept = new Map<string, FoundPassage>();
  return {
    async countPassages(words) {
      const match = toMatchExpression(words);
      if (match === null) return 0;
      const { count } = await db
        .selectFrom("passages")
        .select((query) => query.fn.countAll<number>().as("count"))
        .where(sql<boolean>`passages MATCH ${match}`)
        .where(condition)
        .executeTakeFirstOrThrow();
      return count;
    },
    async find(words, limit) {
      const match = toMatchExpression(words);
      if (match === null) return { passages: [], documentIds: [] };
      const { rows: matched } = await sql<{ id: number }>`SELECT DISTINCT rowid / 1048576 AS id
        FROM passages WHERE passages MATCH ${match} AND ${condition}`.execute(db);
      const { rows } = await sql<{ rowid: number }>`SELECT rowid FROM passages
        WHERE passages MATCH ${match} AND ${condition}
        ORDER BY bm25(passages, 4.0, 2.0, 1.0, 1.0), rowid LIMIT ${limit}`.execute(db);
      const passages: FoundPassage[] = [];
      for (const { rowid } of rows) {
        const known = kept.get(String(rowid));
        if (known !== undefined) {
          passages.push(known);
          continue;
        }
        const id = Math.floor(rowid / 1048576);
        const document = await reader.findDocument(String(id));
        if (document === null) continue;
        const position = rowid - id * 1048576;
        const [passage] = await reader.read(document, position, position + 1);
        if (!leads.has(id)) {
          const [first] = await reader.read(document, 0, 1);
          const isLead = first?.heading === "";
          leads.set(id, isLead ? (splitSentences(fromIndexedText(first.text))[0] ?? "") : "");
        }
        if (passage === undefined) continue;
        const whole = { ...passage, lead: leads.get(id) ?? "" };
        kept.set(String(rowid), whole);
        passages.push(whole);
      }
      return { passages, documentIds: matched.map(({ id }) => id) };
    },
  };
}
