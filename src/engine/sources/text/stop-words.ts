import * as lists from "stopword";
import { detect, toISO3 } from "tinyld";
import { splitWords } from "./words.ts";

/** Words that tell what to do with the subject. */
const INSTRUCTIONS = new Set(
  `compare describe explain find give list provide show summarise summarize tell`.split(" "),
);

const ENGLISH = "eng";
/** Words of asking that the lists of stop words leave out. */
const ASKING: Readonly<Record<string, string>> = {
  eng: `above again below brief cannot comparison does doing down during either ever few further happen happened having
    hers herself itself just know may me mine nor off once ours please question s shall summary t than themselves theirs
    until upon us very whats when where which while who whom whose why will ${[...INSTRUCTIONS].join(" ")}`,
  zho: "多少 什么 谁 哪个 哪里 何时 怎么 为什么",
  jpn: "何 いつ どこ 誰 どれ どの いくつ です ます",
};
const STOP_WORDS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(lists)
    .filter(([language]) => /^[a-z]{3}$/.test(language))
    .map(([language, words]) => [
      language,
      new Set([...words, ...(ASKING[language]?.split(/\s+/) ?? [])]),
    ]),
);

/** Codes of the detector that the lists have under another code. */
const SAME_LIST: Readonly<Record<string, string>> = {
  arb: "ara",
  nor: "nob",
  cmn: "zho",
  pes: "fas",
};

/** The language of a question, and its words that say nothing about the subject. */
export interface QuestionLanguage {
  isEnglish: boolean;
  stopWords: ReadonlySet<string>;
}

/**
 * A few words tell little: a question is taken for English unless another language has more of its stop words, or its
 * letters are not those of English.
 */
export function findLanguage(question: string): QuestionLanguage {
  const found = toISO3(detect(question));
  const language = SAME_LIST[found] ?? found;
  const words = splitWords(question.toLowerCase()).map(({ text }) => text);
  const count = (code: string) => words.filter((word) => STOP_WORDS.get(code)?.has(word)).length;
  const isEnglish =
    language === "" ||
    language === ENGLISH ||
    (count(language) <= count(ENGLISH) && !/[^\P{L}a-z]/iu.test(question));
  const code = isEnglish ? ENGLISH : language;
  return { isEnglish, stopWords: STOP_WORDS.get(code) ?? new Set() };
}

/**
 * Words of field names and descriptions that describe the form of a value. Documents contain them too, but there they
 * are noise.
 */
const FORMAT_WORDS = new Set(
  `array boolean characters currency current decimal digits dollar dollars empty eur euro euros exact example field
  float format full gbp integer iso item items json name names null number numeric object optional percent percentage
  rounded sentence string text type unit units url usd us yyyy mm dd million millions billion billions trillion
  trillions thousand thousands m km kg ft feet metre metres meter meters kilometre kilometres kilometer kilometers`.split(
    /\s+/,
  ),
);

/** Whether a sentence that begins with the word tells what to do. */
export function isInstruction(word: string): boolean {
  return INSTRUCTIONS.has(word.toLowerCase());
}

/** Words for an answer as such. Documents of any subject have them, and so they tell fields and quotes nothing apart. */
const ANSWER_WORDS = new Set(
  `answer detail detailed details fact facts figure figures following get information look report research say says
  search state want year date value`.split(/\s+/),
);

/** Whether the word says nothing about the subject of a question, in English or a language without spaces. */
export function isStopWord(word: string): boolean {
  const small = word.toLowerCase();
  return (
    ANSWER_WORDS.has(small) ||
    [ENGLISH, "zho", "jpn"].some((code) => STOP_WORDS.get(code)?.has(small) === true)
  );
}

export function isFormatWord(word: string): boolean {
  return FORMAT_WORDS.has(word.toLowerCase());
}
