import { createClient } from "../client/create-task-api-client.ts";
import { createFollowers, createGroupFollowers } from "../client/follow/followers.ts";
import type { GroupSnapshot, RunSnapshot } from "../client/follow/snapshots.ts";
import type { CallOptions, TaskApiClient } from "../client/task-api-client.ts";
import { createUndiciFetch } from "../client/http/undici-fetch.ts";
import { readConfig } from "../config.ts";
import { type ProxyOptions, proxyFlags } from "./options.ts";

export interface ClientOptions extends ProxyOptions {
  /** `https://api.parallel.ai` by default; http or https, a path prefix is preserved. */
  baseUrl?: string;
  apiKey?: string;
  /** Values added to the `parallel-beta` header of every create. */
  betas?: string[];
  /** Creates are paced to this many inputs a minute; 2,000 by default. */
  inputsPerMinute?: number;
}

/** A client with connections of its own. */
export interface ConnectedClient extends TaskApiClient {
  /**
   * The run as soon as its state is known, then after each change, with its percentage and latest step; the last
   * snapshot is of a run that is no longer active and has the output of a completed one. All watchers of a run share
   * one follower, which reconnects. Throws `RunNotFound`, `Unauthorized`, `Forbidden`, `RequestRejected`, any error of
   * a backend that never answered, and the signal's reason.
   */
  watchRun(runId: string, options?: CallOptions): AsyncIterable<RunSnapshot>;
  /** The same for a task group, until none of its runs is active. Add the runs first: an empty group is not active. */
  watchGroup(taskgroupId: string, options?: CallOptions): AsyncIterable<GroupSnapshot>;
  /** Ends the requests under way and closes every connection. */
  close(): Promise<void>;
}

/**
 * Typed calls to a Task API: reads are repeated after transient failures, creates only when they surely were not
 * accepted. Throws `InvalidBaseUrl` and `InvalidApiKey`; its methods throw subclasses of `TaskApiError`.
 */
export function createTaskApiClient(options: ClientOptions = {}): ConnectedClient {
  const { baseUrl = "https://api.parallel.ai", ...others } = options;
  const { proxies } = readConfig(proxyFlags(options), {});
  const { fetch, close } = createUndiciFetch(proxies);
  const client = createClient({ ...others, baseUrl, fetch });
  return {
    ...client,
    watchRun: createFollowers({ client }).watch,
    watchGroup: createGroupFollowers({ client }).watch,
    close,
  };
}
