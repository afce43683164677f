import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from "diff";
import { cleanText } from "../../../text/clean-text.ts";

/** Enough to see where in the file it is. */
const CONTEXT_LINES = 3;
const REDACTED = "[redacted]";

/** A string of a JSON or TOML text, and the sign that makes it a name. */
const STRING = /(["'])(?:\\.|(?!\1).)*\1(\s*[:=])?/g;
/** A value of a YAML line, which needs no quotes, after its name or its dash. */
const PLAIN_VALUE = /^(.\s*(?:- )*(?:[\w-]+:\s+|- ))(?!["'[{…])\S.*$/;
/** Names of what is not for other people's eyes. */
const SECRET_VALUE =
  /((["']?)[\w-]*(?:key|token|secret|passw(?:or)?d|auth|credential)[\w-]*\2\s*[:=]\s*)(["'])(?:\\.|(?!\3).)+\3/gi;

const PLAIN_SECRET_VALUE =
  /^([-+ ]?\s*[\w-]*(?:key|token|secret|passw(?:or)?d|auth|credential)[\w-]*:[ \t]+)(?!["'[{])\S.*$/gim;
/** Of a URL, between its scheme and its host. */
const URL_CREDENTIALS = /(?<=:\/\/)[^\s/@"']+(?=@)/g;

/**
 * A unified diff for a person, without secrets: files of clients are full of them, and people show each other what
 * their terminal shows. Of lines that stay, the values are left out.
 */
export function describeChange(
  file: string,
  { before, after }: { before: string; after: string },
  secrets: readonly string[],
): string {
  const patch = structuredPatch(file, file, before, after, undefined, undefined, {
    context: CONTEXT_LINES,
  });
  for (const hunk of patch.hunks) {
    hunk.lines = hunk.lines.map((line) => (line.startsWith(" ") ? withoutValues(line) : line));
  }
  return cleanText(redactText(formatPatch(patch, FILE_HEADERS_ONLY), secrets));
}

function withoutValues(line: string): string {
  return line
    .replace(PLAIN_VALUE, "$1…")
    .replaceAll(STRING, (found: string, quote: string, sign: string | undefined) =>
      sign === undefined ? `${quote}…${quote}` : found,
    );
}

/** The text without the given secrets, and without what its name says is one. */
export function redactText(text: string, secrets: readonly string[]): string {
  return secrets
    .reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text)
    .replaceAll(URL_CREDENTIALS, REDACTED)
    .replaceAll(SECRET_VALUE, `$1$3${REDACTED}$3`)
    .replaceAll(PLAIN_SECRET_VALUE, `$1${REDACTED}`);
}
