/** Everything but tabs and line breaks that a terminal would obey instead of showing. */
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Text from outside without what could take over the terminal that shows it. */
export function printableText(text: string): string {
  return text.replaceAll(CONTROL_CHARACTERS, "");
}

/** The same on one line. */
export function printableLine(text: string): string {
  return printableText(text).replaceAll(/\s+/g, " ").trim();
}
