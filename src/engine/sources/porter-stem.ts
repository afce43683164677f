/**
 * Porter's stemming algorithm (M. F. Porter, "An algorithm for suffix stripping", 1980), as SQLite's `porter` tokenizer
 * applies it. Both must agree: the index finds passages, this finds the sentence inside them.
 */
export function porterStem(word: string): string {
  if (word.length < 3 || word.length > MAX_LENGTH || !/^[a-z]+$/.test(word)) return word;
  return tidyEnd(dropSuffix(dropDerivation(shortenDerivation(endInI(dropPast(dropPlural(word)))))));
}

/** SQLite leaves longer tokens alone. */
const MAX_LENGTH = 64;

const CONSONANT = "[^aeiou]";
const VOWEL = "[aeiouy]";
const CONSONANTS = `${CONSONANT}[^aeiouy]*`;
const VOWELS = `${VOWEL}[aeiou]*`;

/** The measure of a stem counts its vowel-consonant sequences. */
const MEASURE_OVER_0 = new RegExp(`^(?:${CONSONANTS})?${VOWELS}${CONSONANTS}`);
const MEASURE_IS_1 = new RegExp(`^(?:${CONSONANTS})?${VOWELS}${CONSONANTS}(?:${VOWELS})?$`);
const MEASURE_OVER_1 = new RegExp(
  `^(?:${CONSONANTS})?${VOWELS}${CONSONANTS}${VOWELS}${CONSONANTS}`,
);
const HAS_VOWEL = new RegExp(`^(?:${CONSONANTS})?${VOWEL}`);
const CONSONANT_VOWEL_CONSONANT = new RegExp(`^${CONSONANTS}${VOWEL}[^aeiouwxy]$`);

function dropPlural(word: string): string {
  if (/(?:ss|i)es$/.test(word)) return word.slice(0, -2);
  if (/[^s]s$/.test(word)) return word.slice(0, -1);
  return word;
}

function dropPast(word: string): string {
  if (word.endsWith("eed"))
    return MEASURE_OVER_0.test(word.slice(0, -3)) ? word.slice(0, -1) : word;
  const stem = word.replace(/(?:ed|ing)$/, "");
  if (stem === word || !HAS_VOWEL.test(stem)) return word;
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (/([^aeiouylsz])\1$/.test(stem)) return stem.slice(0, -1);
  return CONSONANT_VOWEL_CONSONANT.test(stem) ? `${stem}e` : stem;
}

function endInI(word: string): string {
  return word.endsWith("y") && HAS_VOWEL.test(word.slice(0, -1)) ? `${word.slice(0, -1)}i` : word;
}

/** Suffix to replacement, longest first where one ends another. */
type Rules = readonly (readonly [suffix: string, replacement: string])[];

const DERIVATIONS: Rules = [
  ["ational", "ate"],
  ["tional", "tion"],
  ["enci", "ence"],
  ["anci", "ance"],
  ["izer", "ize"],
  ["logi", "log"],
  ["bli", "ble"],
  ["alli", "al"],
  ["entli", "ent"],
  ["eli", "e"],
  ["ousli", "ous"],
  ["ization", "ize"],
  ["ation", "ate"],
  ["ator", "ate"],
  ["alism", "al"],
  ["iveness", "ive"],
  ["fulness", "ful"],
  ["ousness", "ous"],
  ["aliti", "al"],
  ["iviti", "ive"],
  ["biliti", "ble"],
];

const ENDINGS: Rules = [
  ["icate", "ic"],
  ["ative", ""],
  ["alize", "al"],
  ["iciti", "ic"],
  ["ical", "ic"],
  ["ful", ""],
  ["ness", ""],
];

function shortenDerivation(word: string): string {
  return applyRules(word, DERIVATIONS);
}

function dropDerivation(word: string): string {
  return applyRules(word, ENDINGS);
}

function applyRules(word: string, rules: Rules): string {
  const rule = rules.find(([suffix]) => word.endsWith(suffix));
  if (rule === undefined) return word;
  const stem = word.slice(0, word.length - rule[0].length);
  return MEASURE_OVER_0.test(stem) ? stem + rule[1] : word;
}

const SUFFIX =
  /(?:al|ance|ence|er|ic|able|ible|ant|ement|ment|ent|ou|ism|ate|iti|ous|ive|ize|(?<=[st])ion)$/;

function dropSuffix(word: string): string {
  const stem = word.replace(SUFFIX, "");
  return stem !== word && MEASURE_OVER_1.test(stem) ? stem : word;
}

function tidyEnd(word: string): string {
  const stem = word.slice(0, -1);
  const dropsE =
    word.endsWith("e") &&
    (MEASURE_OVER_1.test(stem) ||
      (MEASURE_IS_1.test(stem) && !CONSONANT_VOWEL_CONSONANT.test(stem)));
  const tidied = dropsE ? stem : word;
  return tidied.endsWith("ll") && MEASURE_OVER_1.test(tidied) ? tidied.slice(0, -1) : tidied;
}
