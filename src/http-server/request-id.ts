import { randomUUID } from "node:crypto";

export const REQUEST_ID_HEADER = "x-request-id";

/** The characters that proxies use in ids; none of them can break a log line. */
const SANE = /^[\w.:+/=-]{1,128}$/;

export function newRequestId(): string {
  return randomUUID();
}

/** The id that a proxy gave the request, if it is one; otherwise a new one. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === "string" && SANE.test(header) ? header : newRequestId();
}
