import { createHash } from "node:crypto";
import type { Engine, EngineDeps } from "../../src/engine/engine.ts";
import type { ExecutionResult } from "../../src/engine/executors/executor.ts";
import type { EvidencePassage } from "../../src/engine/research/evidence-store.ts";
import type {
  DocumentPassage,
  IndexedDocument,
  PassageReader,
  Place,
} from "../../src/engine/sources/source.ts";
import { startTestEngine } from "./start-test-engine.ts";

export interface SeenDocument {
  title: string;
  url: string;
  publishedOn?: string;
  passages: readonly { heading?: string; place?: Place; text: string }[];
}

/** The passages of documents, and a reader of them. */
export function openDocuments(documents: readonly SeenDocument[]) {
  const all = documents.flatMap(({ title, url, publishedOn, passages }, id): DocumentPassage[] => {
    const document: IndexedDocument = {
      id,
      title,
      url,
      publishedOn: publishedOn ?? null,
      hash: createHash("sha256").update(JSON.stringify(passages)).digest("hex"),
      passageCount: passages.length,
    };
    return passages.map(({ heading = "", place = null, text }, position) => {
      return { document, position, heading, place, text };
    });
  });
  const of = (id: number) => all.filter(({ document }) => document.id === id);
  const reader: PassageReader = {
    read: async ({ id }, start, end) => of(id).slice(start, end),
    outline: async ({ id }, limit) => of(id).slice(0, limit),
  };
  const find = (word: string) => all.filter(({ text }) => text.includes(word));
  return { reader, find };
}

/** An engine whose runs find the passages that have the run's input in them, and answer as the test says. */
export function startReadingEngine(
  documents: readonly SeenDocument[],
  answer: (kept: readonly EvidencePassage[]) => ExecutionResult,
  options: Partial<EngineDeps> = {},
): Promise<Engine> {
  const { reader, find } = openDocuments(documents);
  return startTestEngine(() => Promise.reject(new Error("not used")), {
    createExecutor: ({ evidence }) => ({
      key: "reading",
      execute: async ({ runId, input }) =>
        answer(
          await evidence.keep(
            runId,
            find(typeof input.input === "string" ? input.input : ""),
            reader,
          ),
        ),
    }),
    ...options,
  });
}

/** A document of so many passages: the first is `word number1.` under `Part 1`. */
export function numberedDocument(count: number, word: string, url: string): SeenDocument {
  const passages = Array.from({ length: count }, (_, index) => ({
    heading: `Part ${index + 1}`,
    text: `${word} number${index + 1}.`,
  }));
  return { title: `About ${word}`, url, passages };
}
