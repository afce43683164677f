import { type Dispatcher, type RequestRedirect, fetch } from "undici";
import { createProxiedAgent } from "./proxied-agent.ts";
import type { Proxies } from "./proxies.ts";

/** Servers that answer this program's own questions do so in less. */
const LIMITS = { connectMs: 10_000, headersTimeout: 30_000, bodyTimeout: 30_000 };

export interface WebRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
  redirect?: RequestRedirect;
}

export type WebFetch = (url: string, request?: WebRequest) => Promise<Response>;

/** The statuses whose answers have no body; the constructor of `Response` throws if they have one. */
const NO_BODY = new Set([204, 205, 304]);

/** The standard `fetch` for short answers, through the proxies. */
export function createWebFetch(proxies: Proxies): WebFetch {
  const dispatcher = createProxiedAgent(proxies, LIMITS);
  return async (url, request) => {
    const { status, headers, ...response } = await fetchOnce(url, { ...request, dispatcher });
    return new Response(NO_BODY.has(status) ? null : response.body, { status, headers });
  };
}

async function fetchOnce(url: string, request: WebRequest & { dispatcher: Dispatcher }) {
  const response = await fetch(url, request);
  const body = await response.arrayBuffer();
  return { status: response.status, headers: [...response.headers], body };
}
