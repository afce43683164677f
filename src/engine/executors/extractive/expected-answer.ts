import { isYear, readWords } from "../../sources/text/words.ts";
import { type Question } from "./question.ts";
import { findDates } from "../../sources/text/dates.ts";
import { findNumbers } from "./values.ts";
import type { WeightedQuestion } from "./weigh-question.ts";

/** Whether the sentence contains the kind of answer that the question asks for. */
export function meetsExpectation(sentence: string, question: WeightedQuestion): boolean {
  switch (question.expects) {
    case null:
      return false;
    case "date":
      return (
        findDates(sentence).length > 0 || yearsIn(sentence).some((y) => !question.years.includes(y))
      );
    case "number":
      return findNumbers(sentence).some(
        ({ value, unit, isYear: isLikeYear }) =>
          !isLikeYear &&
          !isAskedNumber(question, String(value)) &&
          (question.units === null || (unit !== null && question.units.has(unit))),
      );
    case "name":
      return hasNewName(sentence, question);
  }
}

/** Whether the sentence has a name or a number that the question does not have. */
export function saysSomethingNew(sentence: string, question: WeightedQuestion): boolean {
  return (
    hasNewName(sentence, question) ||
    readWords(sentence).words.some(
      ({ key }) =>
        /^\d/.test(key) && !question.years.includes(key) && !isAskedNumber(question, key),
    )
  );
}

function hasNewName(sentence: string, question: WeightedQuestion): boolean {
  return readWords(sentence).words.some(
    ({ text, key }, index) =>
      index > 0 && !question.weights.has(key) && /^\p{Lu}\p{Ll}/u.test(text),
  );
}

export function isAskedNumber(question: Question, number: string): boolean {
  return question.numbers.some((term) => term.key === number);
}

/** The years of a text, in order. */
export function yearsIn(text: string): string[] {
  return readWords(text)
    .words.map((word) => word.key)
    .filter(isYear);
}
