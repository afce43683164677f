/** How many characters of the documents an answer of the built-in engine shows; a test compares it with the engine. */
export const CHARACTERS_SHOWN: Readonly<Record<string, number>> = {
  lite: 1_600,
  base: 1_600,
  core: 3_200,
  core2x: 3_200,
  pro: 3_200,
  ultra: 3_200,
  ultra2x: 3_200,
  ultra4x: 3_200,
  ultra8x: 3_200,
};
