import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from "@modelcontextprotocol/client";
import { OutgoingRequestError } from "../outgoing/outgoing-errors.ts";
import { cleanLine, cleanText } from "../../text/clean-text.ts";
import { MAX_QUOTED_CHARS } from "./limits.ts";
import type { Redact } from "./server-secrets.ts";

/** Why a server could not be used, in words for the owner of the run, short and without secrets. */
export function explainFailure(error: unknown, redact: Redact): string {
  const own = findOwnError(error);
  if (own !== null) return own.message;
  // Cleaned first, so that nothing invisible parts a secret; cut last, so that no half of one is left.
  return cleanLine(redact.inMessage(cleanText(describe(error))), MAX_QUOTED_CHARS);
}

function describe(error: unknown): string {
  if (error instanceof SdkHttpError) {
    // The body may be a whole page; the status says enough, except where a redirect was not followed.
    const status = [error.status, error.statusText].filter(Boolean).join(" ");
    const redirect = /Redirect .* not followed/.exec(error.message)?.[0];
    return redirect === undefined ? status : `${status}: ${redirect}`;
  }
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) {
    return "it did not answer in time";
  }
  if (error instanceof ProtocolError) return `${error.message} (code ${error.code})`;
  return error instanceof Error ? error.message : String(error);
}

/** The guarded fetch says what happened better than the library that wraps its error, and says no secrets. */
function findOwnError(error: unknown): OutgoingRequestError | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof OutgoingRequestError) return at;
  }
  return null;
}
