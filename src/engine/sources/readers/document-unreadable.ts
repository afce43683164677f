/** The file cannot be a source; the message says why, in words that follow its name. */
export class DocumentUnreadable extends Error {
  override readonly name = "DocumentUnreadable";
}
