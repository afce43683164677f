import { type RequestRedirect, fetch } from "undici";
import { createProxiedAgent } from "./proxied-agent.ts";
import type { Proxies } from "./proxies.ts";

/** Servers that answer this program's own questions do so in less. */
const LIMITS = { connectMs: 10_000, headersTimeout: 30_000, bodyTimeout: 30_000 };

export type WebFetch = (
  url: string,
  init?: { signal?: AbortSignal; redirect?: RequestRedirect },
) => Promise<Response>;

/** The standard `fetch` for short answers, through the proxies. */
export function createWebFetch(proxies: Proxies): WebFetch {
  const dispatcher = createProxiedAgent(proxies, LIMITS);
  return async (url, { signal, redirect = "follow" } = {}) => {
    const response = await fetch(url, { dispatcher, redirect, ...(signal && { signal }) });
    return new Response(await response.arrayBuffer(), {
      status: response.status,
      headers: [...response.headers],
    });
  };
}
