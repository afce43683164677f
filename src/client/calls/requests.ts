import type { Subject } from "../http/parse-error-response.ts";
import type { Call } from "../http/http-core.ts";
import { ClientLimits } from "../limits.ts";

/** A read: repeated whenever that may help. */
export function get(path: string, subject: Subject): Call {
  return { method: "GET", path, subject, repeatable: true, timeoutMs: ClientLimits.readTimeoutMs };
}

/** The path with those of the parameters that have a value. */
export function withQuery(
  path: string,
  parameters: Record<string, string | number | boolean | undefined>,
): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}

/**
 * Whether an id can be part of a path at all. `.` and `..` would name another endpoint even when encoded, and text
 * that is not well-formed cannot be encoded.
 */
export function isPathSegment(id: string): boolean {
  return id !== "" && id !== "." && id !== ".." && !/\p{Surrogate}/u.test(id);
}
