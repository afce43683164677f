import type { Flags } from "../options.ts";

/** How our own engine performs runs. */
export interface EngineOptions {
  /** Folders of documents to research; the packaged examples by default. */
  documents?: string | readonly string[];
  /** A script that decides what runs do, instead of research. */
  script?: string;
  /** What performs runs: `extractive`, `host` or `scripted`, or by processor as `pro=host`. */
  executor?: string;
  /** The folder in which runs are stored; without it they live in memory and end with the process. */
  stateDir?: string;
  /** Private networks, as CIDR, that webhooks and MCP servers of runs may be on. */
  allowNetworks?: readonly string[];
  /** Finished runs older than this are removed. */
  retentionDays?: number;
  /** The level of the log on stderr: `warn` by default. */
  logLevel?: "trace" | "debug" | "info" | "warn" | "error" | "silent";
}

/** Converts the options to the program's flags, so that both are validated by the same code. */
export function engineFlags({
  documents,
  script,
  executor,
  stateDir,
  allowNetworks,
  retentionDays,
  logLevel = "warn",
}: EngineOptions): Flags {
  return {
    logLevel,
    ...(documents !== undefined && { documents: [documents].flat().join(",") }),
    ...(script !== undefined && { script }),
    ...(executor !== undefined && { executor }),
    ...(stateDir !== undefined && { stateDir }),
    ...(allowNetworks !== undefined && { allowNetworks: allowNetworks.join(",") }),
    ...(retentionDays !== undefined && { retentionDays: String(retentionDays) }),
  };
}

/** The way to a Task API through a proxy. The environment is not read: a program hands on what it wants. */
export interface ProxyOptions {
  /** Such as `http://user:password@proxy.example.com:3128`; also for https addresses, if there is no other. */
  httpProxy?: string;
  httpsProxy?: string;
  /** Hosts that are reached directly, as `NO_PROXY` lists them. */
  noProxy?: string;
}

/** Converts the options to the program's settings, so that both are validated by the same code. */
export function proxyFlags({ httpProxy, httpsProxy, noProxy }: ProxyOptions): Flags {
  return {
    ...(httpProxy !== undefined && { httpProxy }),
    ...(httpsProxy !== undefined && { httpsProxy }),
    ...(noProxy !== undefined && { noProxy }),
  };
}
