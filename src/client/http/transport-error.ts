import { BackendUnreachable } from "../errors.ts";
import { RequestNotSent } from "./fetch.ts";
import { ProxyFailed } from "./proxies.ts";
import { errorCode } from "../../text/error-message.ts";
import type { Redact } from "../../text/redact.ts";

/** The error for a request or a body that the transport could not carry to its end. */
export function toBackendUnreachable(error: unknown, redact: Redact): BackendUnreachable {
  const notProcessed = error instanceof RequestNotSent;
  const reason = notProcessed ? error.cause : error;
  if (reason instanceof ProxyFailed) {
    return new BackendUnreachable(reason.message, {
      notProcessed: true,
      cause: copyWithoutSecrets(reason, redact),
    });
  }
  const code = firstCode(reason);
  const what = notProcessed
    ? "The backend cannot be reached"
    : "The connection to the backend broke";
  return new BackendUnreachable(code === null ? `${what}.` : `${what} (${code}).`, {
    notProcessed,
    cause: copyWithoutSecrets(reason, redact),
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

/** A copy of an error and its causes that keeps names, codes and messages, and drops every other field. */
function copyWithoutSecrets(error: unknown, redact: Redact, depth = 4): Error {
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
