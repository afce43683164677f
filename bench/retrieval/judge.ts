import { z } from "zod";
import type { Figure } from "../figures.ts";
import type { Answer, ShownPassage } from "./ask.ts";

export const Question = z.union([
  z.object({ kind: z.literal("unanswerable"), question: z.string() }),
  z.object({
    /** What kind of question it is, or its language. */
    kind: z.string(),
    question: z.string(),
    /** Parts of the paths or addresses of the documents that answer, from the start of a name. */
    documents: z.array(z.string()).min(1),
    /** A pattern that is found in every passage that answers. */
    answer: z.string(),
  }),
]);
export type Question = z.infer<typeof Question>;

export interface Judged {
  question: Question;
  base: Answer;
  core: Answer;
  /** Where the first right document and the first passage with the answer are among those of `core`; from 1. */
  documentRank: number;
  answerRank: number;
  /** Whether the answer is in the first 1,600 characters of `base`, and the first 3,200 of `core`. */
  isInBase: boolean;
  isInCore: boolean;
}

export const BASE_CHARS = 1_600;
export const CORE_CHARS = 3_200;

export function judge(question: Question, base: Answer, core: Answer): Judged {
  if (!("answer" in question)) {
    const never = { documentRank: Infinity, answerRank: Infinity };
    return { question, base, core, ...never, isInBase: false, isInCore: false };
  }
  const pattern = new RegExp(question.answer);
  const isDocument = ({ document }: ShownPassage) =>
    question.documents.some((part) => `/${document}`.includes(`/${part}`));
  const isAnswer = (passage: ShownPassage) => isDocument(passage) && pattern.test(passage.text);
  const rankOf = (index: number) => (index === -1 ? Infinity : index + 1);
  return {
    question,
    base,
    core,
    documentRank: rankOf(distinctDocuments(core.passages).findIndex(isDocument)),
    answerRank: rankOf(core.passages.findIndex(isAnswer)),
    isInBase: cutPassages(base.passages, BASE_CHARS).some(isAnswer),
    isInCore: cutPassages(core.passages, CORE_CHARS).some(isAnswer),
  };
}

/** The first passage of each document. */
function distinctDocuments(passages: readonly ShownPassage[]): ShownPassage[] {
  return passages.filter(
    ({ document }, index) => passages.findIndex((other) => other.document === document) === index,
  );
}

/** The passages that fit; the one at the limit is cut. */
function cutPassages(passages: readonly ShownPassage[], chars: number): ShownPassage[] {
  let left = chars;
  return passages.flatMap((passage) => {
    const room = left;
    left -= passage.length;
    if (room <= 0) return [];
    const cut = Math.max(0, passage.length - room);
    return [{ ...passage, text: passage.text.slice(0, passage.text.length - cut) }];
  });
}

/** The answer says that nothing answers directly, or names words that no document has. */
function saysSo({ passages, content }: Answer): boolean {
  return (
    passages.length === 0 || /No passage says it|In none of (?:them|the documents)/.test(content)
  );
}

/** The figures of the questions, of which some may have no answer. */
export function figuresOf(judged: readonly Judged[]): Figure[] {
  const answerable = judged.filter(({ question }) => "answer" in question);
  const others = judged.filter(({ question }) => !("answer" in question));
  const share = (
    figure: string,
    among: readonly Judged[],
    isTrue: (one: Judged) => boolean,
  ): Figure[] => {
    if (among.length === 0) return [];
    return [{ figure, value: (100 * among.filter(isTrue).length) / among.length, unit: "%" }];
  };
  return [
    ...share("document@1", answerable, ({ documentRank }) => documentRank <= 1),
    ...share("document@3", answerable, ({ documentRank }) => documentRank <= 3),
    ...share("answer in the first passage", answerable, ({ answerRank }) => answerRank <= 1),
    ...share("answer in the first three passages", answerable, ({ answerRank }) => answerRank <= 3),
    ...share("answer within 1,600 characters (base)", answerable, ({ isInBase }) => isInBase),
    ...share("answer within 3,200 characters (core)", answerable, ({ isInCore }) => isInCore),
    ...share("refused though answerable", answerable, ({ base }) => base.passages.length === 0),
    ...share("answerable, but said to be said nowhere", answerable, ({ base }) => saysSo(base)),
    ...share("unanswerable: refused", others, ({ base }) => base.passages.length === 0),
    ...share("unanswerable: refused, or said so", others, ({ base }) => saysSo(base)),
  ];
}
