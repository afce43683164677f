/** Removes secrets from text that goes into an error, a log or an answer. */
export type Redact = (text: string) => string;

/** Replaces every occurrence of one of `secrets`. */
export function createRedact(secrets: Iterable<string>): Redact {
  // The longest first: where one secret is part of another, replacing it would leave the rest of the other in the text.
  const longestFirst = [...new Set(secrets)]
    .filter((secret) => secret !== "")
    .toSorted((a, b) => b.length - a.length);
  return (text) =>
    longestFirst.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}

/** Shorter values occur everywhere in a text; replacing them would reveal what they are. */
const SECRET_MIN_CHARS = 4;

/**
 * The secret parts of header values and parameters: each whole value, and its parts without the scheme (`Bearer …`).
 */
export function secretsIn(values: readonly string[]): string[] {
  return values
    .flatMap((value) => [value.trim(), ...value.split(/[\s,;]+/)])
    .filter((value) => value.length >= SECRET_MIN_CHARS);
}
