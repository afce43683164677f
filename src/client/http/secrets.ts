import type { RunInput } from "../../task-api/run-input.ts";
import { UsageError } from "../../runtime/usage-error.ts";

/** Removes a secret from text that goes into an error or a log. */
export type Redact = (text: string) => string;

/** The API key cannot be a header value. The message does not repeat it. */
export class InvalidApiKey extends UsageError {
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

/** Shorter values are everywhere in a text; replacing them would tell what they are. */
const HEADER_SECRET_MIN_CHARS = 4;

/** The header values that runs give to their MCP servers, whole and without their scheme (`Bearer …`). */
export function headerSecrets(inputs: readonly RunInput[]): string[] {
  const values = inputs.flatMap(({ mcp_servers: servers }) =>
    (servers ?? []).flatMap(({ headers }) => Object.values(headers ?? {})),
  );
  const secrets = values
    .flatMap((value) => [value.trim(), ...value.split(/[\s,;]+/)])
    .filter((value) => value.length >= HEADER_SECRET_MIN_CHARS);
  // The longest first, or a part would leave the rest of the whole standing.
  return [...new Set(secrets)].toSorted((a, b) => b.length - a.length);
}

/** Backends repeat a request they refuse, and with it what is secret in it. */
export function redactAlso(redact: Redact, secrets: readonly string[]): Redact {
  if (secrets.length === 0) return redact;
  return (text) =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), redact(text));
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
