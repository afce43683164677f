import { yearsIn } from "./expected-answer.ts";
import { mentions, mentionsNames, type SentenceInContext } from "./relevance.ts";
import type { WeightedQuestion } from "./weigh-question.ts";

/** A value and its position in a sentence. */
export interface Span {
  text: string;
  start: number;
  end: number;
}

/** The first of the spans when all of them state the same value, else null. */
export function onlyValue<S extends Span>(
  spans: readonly S[],
  identify: (span: S) => unknown,
): S | null {
  const [first] = spans;
  return first !== undefined && new Set(spans.map(identify)).size === 1 ? first : null;
}

/**
 * The only value of a sentence that belongs to the question, or null when that is not clear. A sentence with several
 * values is narrowed to the clauses about the year in the question, or about the field.
 */
export function singleValue<S extends Span>(
  spans: readonly S[],
  identify: (span: S) => unknown,
  { sentence, context }: SentenceInContext,
  question: WeightedQuestion,
): S | null {
  // With "respectively", only the order shows which value belongs to which name.
  if (/\brespectively\b/i.test(sentence)) return null;

  const clauses = clausesAboutSubject(sentence, context, question);
  const within = (accepted: readonly Span[]) =>
    spans.filter((span) =>
      accepted.some((clause) => clause.start <= span.start && span.end <= clause.end),
    );
  const only = onlyValue(within(clauses), identify);
  if (only !== null) return only;

  const hasSeveralYears = new Set(yearsIn(sentence)).size > 1;
  const speaksOfIt =
    question.years.length > 0 && hasSeveralYears
      ? (clause: Span) => yearsIn(clause.text).some((year) => question.years.includes(year))
      : (clause: Span) =>
          question.terms.some((term) => term.role !== "asked" && mentions(clause.text, term));
  return onlyValue(within(clauses.filter(speaksOfIt)), identify);
}

const CLAUSE_END =
  /[;,](?=\s)|\s(?:and|or|while|whereas|but|after|from|compared|than|up|down|before)(?=\s)/giu;

/** Such a clause is about the noun before it, not about the subject of the sentence. */
const ABOUT_ANOTHER = /^[;,]?\s*(?:which|who|whose|where|than|while|whereas|but|compared)\b/i;

/**
 * The clauses whose values are the subject's: the title or the clause names it, or the sentence begins with it. In
 * "Germany's was $4.53 trillion, more than that of France" no value belongs to France.
 */
function clausesAboutSubject(
  sentence: string,
  context: string,
  question: WeightedQuestion,
): Span[] {
  const clauses = splitClauses(sentence);
  const isAbout = (text: string) => mentionsNames(question, `${context}\n${text}`);
  const beginsWithSubject = isAbout(clauses[0]?.text ?? "");
  return clauses.filter(
    ({ text }) => isAbout(text) || (beginsWithSubject && !ABOUT_ANOTHER.test(text)),
  );
}

function splitClauses(sentence: string): Span[] {
  const ends = [...sentence.matchAll(CLAUSE_END)].map((match) => match.index);
  return [0, ...ends].map((start, index) => {
    const end = ends[index] ?? sentence.length;
    return { text: sentence.slice(start, end), start, end };
  });
}
