/** How many documents the built-in engine reads for one search, by tier; a test compares it with the engine. */
export const DOCUMENTS_READ: Readonly<Record<string, number>> = {
  lite: 3,
  base: 5,
  core: 10,
  core2x: 15,
  pro: 20,
  ultra: 40,
  ultra2x: 60,
  ultra4x: 80,
  ultra8x: 100,
};
