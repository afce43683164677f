/** Removes a secret from text that goes into an error or a log. */
export type Redact = (text: string) => string;

/** The API key cannot be a header value. The message does not repeat it. */
export class InvalidApiKey extends Error {
  override readonly name = "InvalidApiKey";
}

/**
 * Checks the key here, because an HTTP library would repeat a bad header value in its error.
 * Throws {@link InvalidApiKey}.
 */
export function checkApiKey(apiKey: string): void {
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new InvalidApiKey(
      "The API key is empty or holds spaces, line breaks or other characters a key never has: copy it again",
    );
  }
}

/** Backends have been known to repeat the key in what they answer. */
export function createRedact(apiKey: string | undefined): Redact {
  return apiKey === undefined ? (text) => text : (text) => text.replaceAll(apiKey, "[api key]");
}

/** A copy of an error and its causes that keeps names, codes and messages, and drops every other field. */
export function copyWithoutSecrets(error: unknown, redact: Redact, depth = 4): Error {
  if (!(error instanceof Error)) return new Error(redact(String(error)));
  const copy = new Error(
    redact(error.message),
    error.cause === undefined || depth === 0
      ? undefined
      : { cause: copyWithoutSecrets(error.cause, redact, depth - 1) },
  );
  copy.name = error.name;
  const code = errorCode(error);
  return code === null ? copy : Object.assign(copy, { code });
}

/** The system or library code of an error (`ECONNREFUSED`, `UND_ERR_SOCKET`), if it has one. */
export function errorCode(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : null;
}
