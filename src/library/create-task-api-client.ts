import { createTaskApiClient as create } from "../client/create-task-api-client.ts";
import type { TaskApiClient } from "../client/task-api-client.ts";
import { createUndiciFetch } from "../client/undici-fetch.ts";
import { readConfig } from "../config.ts";
import { type ProxyOptions, proxyFlags } from "./options.ts";

export interface ClientOptions extends ProxyOptions {
  /** `https://api.parallel.ai` by default; http or https, a path prefix is kept. */
  baseUrl?: string;
  apiKey?: string;
  /** Values added to the `parallel-beta` header of every create. */
  betas?: string[];
  /** Creates are paced to this many inputs a minute; 2,000 by default. */
  inputsPerMinute?: number;
}

/** A client with connections of its own. */
export interface ConnectedClient extends TaskApiClient {
  /** Ends the requests under way and closes every connection. */
  close(): Promise<void>;
}

/**
 * Typed calls to a Task API: reads are repeated when they fail in passing, creates only when they surely were not
 * accepted. Throws `InvalidBaseUrl` and `InvalidApiKey`; its methods throw subclasses of `TaskApiError`.
 */
export function createTaskApiClient(options: ClientOptions = {}): ConnectedClient {
  const { baseUrl = "https://api.parallel.ai", ...others } = options;
  const { proxies } = readConfig(proxyFlags(options), {});
  const { fetch, close } = createUndiciFetch(proxies);
  return { ...create({ ...others, baseUrl, fetch }), close };
}
