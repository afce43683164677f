import { randomUUID } from "node:crypto";

export const REQUEST_ID_HEADER = "x-request-id";

/** What proxies write as ids, and nothing that could break out of a log line. */
const SANE = /^[\w.:+/=-]{1,128}$/;

export function newRequestId(): string {
  return randomUUID();
}

/** The id that a proxy gave the request, if it is one; otherwise a new one. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === "string" && SANE.test(header) ? header : newRequestId();
}
