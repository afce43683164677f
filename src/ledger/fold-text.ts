/** Text as it is searched: without case, and the same for the several ways of writing one letter. */
export function foldText(text: string): string {
  return text.normalize("NFC").toLowerCase();
}
