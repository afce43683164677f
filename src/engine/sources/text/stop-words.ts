/** Words that say nothing about the subject (English, and the commonest of Chinese and Japanese), and those of asking. */
const STOP_WORDS = new Set(
  `a about above after again all also am an and any are as at be because been before being below between both but by
  can could did do does doing down during each either else ever few for from further had has have having he her here
  hers him his how i if in into is it its itself just me might more most much must my no nor not now of off on once
  only or other our out over own per please s same shall she should so some such t than that the their them then there
  these they this those through to too under until up upon us very was we were what whats when where which while who
  whom whose why will with would you your
  的 了 是 在 和 与 及 吗 呢 年 多少 什么 谁 哪 哪个 哪里 何时 怎么 为什么
  は が の を に で と も か 何 いつ どこ 誰 です ます
  answer brief compare comparison detail detailed details describe explain fact facts figure figures find following get give happen
  happened information know list look many provide question report research say says search short show state summarise
  summarize summary tell want year date value`.split(/\s+/),
);

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

export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word.toLowerCase());
}

export function isFormatWord(word: string): boolean {
  return FORMAT_WORDS.has(word.toLowerCase());
}
