import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { z } from "zod";
import type { Proxies } from "../../../client/http/proxies.ts";
import { createWebFetch } from "../../../client/http/web-fetch.ts";
import { type ConfigObject, urlOf } from "../install/merge-entry.ts";

const Headers_ = z.record(z.string(), z.string()).catch({});

/** The names of the tools of a server at a URL, asked for with the headers of its entry. Throws why there are none. */
export async function listToolsAt(
  entry: ConfigObject,
  { version, proxies, signal }: { version: string; proxies: Proxies; signal: AbortSignal },
): Promise<string[]> {
  const headers = Headers_.parse(entry["headers"] ?? entry["http_headers"]);
  const fetch = createWebFetch(proxies);
  const transport = new StreamableHTTPClientTransport(new URL(urlOf(entry) ?? ""), {
    fetch: (url, init) => {
      const { method = "GET", body } = init ?? {};
      return fetch(String(url), {
        method,
        headers: { ...Object.fromEntries(new Headers(init?.headers)), ...headers },
        signal,
        ...(typeof body === "string" && { body }),
      });
    },
  });
  const client = new Client({ name: "task-run-mcp-doctor", version });
  try {
    await client.connect(transport, { signal });
    if (client.getServerCapabilities()?.tools === undefined) return [];
    const { tools } = await client.listTools(undefined, { signal });
    return tools.map(({ name }) => name);
  } finally {
    await client.close();
  }
}
