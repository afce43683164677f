import { BackendUnreachable } from "./errors.ts";
import { type Redact, copyWithoutSecrets, errorCode } from "./secrets.ts";

/** These happen before a connection stands, so that no byte of the request has left. */
const BEFORE_SENDING: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** The error for a request or a body that the transport could not carry to its end. */
export function toBackendUnreachable(error: unknown, redact: Redact): BackendUnreachable {
  const code = firstCode(error);
  const surelyNotAccepted = code !== null && BEFORE_SENDING.has(code);
  const what = surelyNotAccepted
    ? "The backend cannot be reached"
    : "The connection to the backend broke";
  return new BackendUnreachable(code === null ? `${what}.` : `${what} (${code}).`, {
    surelyNotAccepted,
    cause: copyWithoutSecrets(error, redact),
  });
}

/** The code nearest to the surface; `fetch` wraps the error that has it. */
function firstCode(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = errorCode(at);
    if (code !== null) return code;
  }
  return null;
}
