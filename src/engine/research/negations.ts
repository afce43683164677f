/** The words of a language that turn a statement round or limit it, and its commonest words, by which it is known. */
interface LanguageWords {
  negations: ReadonlySet<string>;
  common: ReadonlySet<string>;
}

function words(negations: string, common: string): LanguageWords {
  return { negations: new Set(negations.split(/\s+/)), common: new Set(common.split(/\s+/)) };
}

const LANGUAGES: readonly LanguageWords[] = [
  words(
    `not no non never none nor neither nobody nothing nowhere without except excepting unless excluding cannot hardly
    scarcely barely rarely seldom lacks lacking instead fails failed only`,
    "the of and to in is that for it with as on are by this be from or an at which can you if will was has",
  ),
  words(
    `nicht nichts nie niemals niemand kein keine keinen keinem keiner keines ohne außer ausser sofern weder noch kaum
    selten statt anstatt nur ausgenommen`,
    "der die das und ist von zu den mit für auf ein eine dem des im als auch sich wird werden sind oder bei aus nach",
  ),
  words(
    "ne pas non jamais rien aucun aucune personne ni sans sauf excepté hormis moins guère seulement",
    "le la les des et est un une du dans pour par sur au avec qui ce cette sont il aux ou se en de",
  ),
  words(
    "no nunca jamás nada nadie ningún ninguno ninguna ni sin salvo excepto menos tampoco apenas solo sólo",
    "el la los las de y en que es un una del por con para se al su como más lo este esta son",
  ),
  words(
    "non no mai niente nulla nessun nessuno nessuna né senza tranne salvo eccetto meno neanche nemmeno neppure solo",
    "il lo la gli le di e che è un una del della per con in si sono dei nel alla da questo come",
  ),
  words(
    "não nunca jamais nada ninguém nenhum nenhuma nem sem salvo exceto menos tampouco apenas só",
    "o a os as de e que é um uma do da em para com por se no na dos das são como mais",
  ),
  words(
    "niet niets nooit niemand geen noch zonder behalve tenzij nauwelijks zelden slechts alleen",
    "de het een en van is in op te dat voor met zijn aan die er om door bij of ook als naar",
  ),
  words(
    "ikke ingen intet aldri aldrig uten uden bare kun inte ingen inget inga aldrig utan varken endast",
    "og i det at er en til som på de med for av der den har var et och att är ett som inte om till",
  ),
  words(
    "nu niciodată nimic nimeni niciun nicio fără decât doar cap mai sense llevat tampoc",
    "și de la în cu pe un o din este care că mai al ale sunt i el els les que per amb una és",
  ),
];

const NEGATIONS = new Set(LANGUAGES.flatMap(({ negations }) => [...negations]));

/** In prose every third word is common; between commands and code it is one in sixteen, still more than in another language. */
const MIN_COMMON_SHARE = 1 / 16;

/** The words of a text; `doesn't` is `does not`. */
function splitPlainWords(text: string): string[] {
  return text
    .normalize("NFC")
    .toLowerCase()
    .replace(/n['’]t(?!\p{L})/gu, " not")
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== "");
}

/** The negations and exceptions of a text in order, of every language that is known here. */
export function findNegations(text: string): string[] {
  return splitPlainWords(text).filter((word) => NEGATIONS.has(word));
}

/** Whether the text is in a language whose negations are known: only there can their absence be told. */
export function isLanguageKnown(text: string): boolean {
  const all = splitPlainWords(text);
  return LANGUAGES.some(
    ({ common }) =>
      all.filter((word) => common.has(word)).length >= Math.max(2, all.length * MIN_COMMON_SHARE),
  );
}
