export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One setting of the program: its flag, its variable and its meaning. A test compares the README's table with it. */
export interface Setting {
  /** The option in commander's notation. Each command lists the flags it accepts. */
  flag?: string;
  env?: string;
  /** Never show the value. */
  isSecret?: boolean;
  /** Also read the variable in lower case, and prefer it: curl and others do so with proxy variables. */
  isAlsoLowerCase?: boolean;
  /** The default, in words. */
  default: string;
  meaning: string;
}

export const OPTIONS = {
  apiKey: {
    env: "PARALLEL_API_KEY",
    isSecret: true,
    default: "none",
    meaning:
      "API key for Parallel's hosted Task API, where runs cost money. Without it, the built-in engine performs the runs.",
  },
  baseUrl: {
    env: "PARALLEL_BASE_URL",
    default: "https://api.parallel.ai",
    meaning: "Base URL of another Task API, such as your own engine. The key is then optional.",
  },
  httpsProxy: {
    env: "HTTPS_PROXY",
    isAlsoLowerCase: true,
    default: "`HTTP_PROXY`",
    meaning: "Proxy for https requests; see docs/networks.md.",
  },
  httpProxy: {
    env: "HTTP_PROXY",
    isAlsoLowerCase: true,
    default: "none",
    meaning: "Proxy for http requests.",
  },
  noProxy: {
    env: "NO_PROXY",
    isAlsoLowerCase: true,
    default: "none",
    meaning: "Hosts, domains and networks to reach without a proxy, separated by commas.",
  },
  toolsets: {
    flag: "--toolsets <names>",
    env: "TASK_RUN_MCP_TOOLSETS",
    default: "runs,groups",
    meaning: "Tools that agents get: `runs`, `groups`, or both.",
  },
  readOnly: {
    flag: "--read-only",
    env: "TASK_RUN_MCP_READ_ONLY",
    default: "false",
    meaning: "Gives agents only the tools that read; overrides `--toolsets`.",
  },
  defaultProcessor: {
    flag: "--default-processor <name>",
    env: "TASK_RUN_MCP_DEFAULT_PROCESSOR",
    default: "base",
    meaning: "Processor of a run that names none.",
  },
  budgetUsd: {
    flag: "--budget-usd <number>",
    env: "TASK_RUN_MCP_BUDGET_USD",
    default: "no limit",
    meaning:
      "US dollars that may be spent per UTC day; a run that would exceed it is refused before it starts.",
  },
  prices: {
    flag: "--prices <file>",
    env: "TASK_RUN_MCP_PRICES",
    default: "the backend's prices, else Parallel's list",
    meaning:
      'JSON file with the price of a completed run in US dollars by processor, such as `{"base": 0.01}`; `engine` publishes them.',
  },
  betas: {
    flag: "--betas <values>",
    env: "TASK_RUN_MCP_BETAS",
    default: "none",
    meaning: "Values to add to the parallel-beta header of every create, separated by commas.",
  },
  inputsPerMinute: {
    flag: "--inputs-per-minute <number>",
    env: "TASK_RUN_MCP_INPUTS_PER_MINUTE",
    default: "2000",
    meaning: "Creates are throttled to this many runs per minute, the quota of your account.",
  },
  maxWaitSeconds: {
    flag: "--max-wait-seconds <number>",
    env: "TASK_RUN_MCP_MAX_WAIT_SECONDS",
    default: "50; more for clients known to wait longer",
    meaning: "Longest wait of one tool call, for every client.",
  },
  waitCaps: {
    flag: "--wait-caps <client=seconds,…>",
    env: "TASK_RUN_MCP_WAIT_CAPS",
    default: "none",
    meaning:
      "Longest wait of one tool call, by a part of the client's name; overrides `--max-wait-seconds`.",
  },
  documents: {
    flag: "--documents <folder,…>",
    env: "TASK_RUN_MCP_DOCUMENTS",
    default: "the packaged examples",
    meaning:
      "Folders that the built-in engine researches: Markdown, text, HTML, PDF, Word, CSV and JSON files.",
  },
  script: {
    flag: "--script <file>",
    env: "TASK_RUN_MCP_SCRIPT",
    default: "none",
    meaning: "Script that decides what runs do instead of research, for testing agents.",
  },
  executor: {
    flag: "--executor <name>",
    env: "TASK_RUN_MCP_EXECUTOR",
    default: "scripted with `--script`, else extractive",
    meaning:
      "What performs runs of the built-in engine: `extractive`, `host` (the calling agent writes the answer) or `scripted`; by processor as `pro=host,ultra=host`.",
  },
  embeddingUrl: {
    flag: "--embedding-url <url>",
    env: "TASK_RUN_MCP_EMBEDDING_URL",
    default: "none",
    meaning:
      "OpenAI-compatible API, such as `http://localhost:11434/v1`, that re-ranks passages by meaning where words say little.",
  },
  embeddingModel: {
    flag: "--embedding-model <name>",
    env: "TASK_RUN_MCP_EMBEDDING_MODEL",
    default: "none",
    meaning: "Model of `--embedding-url`; set both.",
  },
  embeddingKey: {
    env: "TASK_RUN_MCP_EMBEDDING_KEY",
    isSecret: true,
    default: "none",
    meaning: "Key of `--embedding-url`, if it needs one.",
  },
  allowNetworks: {
    flag: "--allow-networks <cidr,…>",
    env: "TASK_RUN_MCP_ALLOW_NETWORKS",
    default: "none",
    meaning:
      "Private networks where webhooks and MCP servers of runs may be; public addresses are always allowed.",
  },
  webhookSecrets: {
    env: "TASK_RUN_MCP_WEBHOOK_SECRETS",
    isSecret: true,
    default: "none",
    meaning:
      "Secrets that sign sent webhooks and check received ones, separated by commas; set several while you replace one.",
  },
  retentionDays: {
    flag: "--retention-days <number>",
    env: "TASK_RUN_MCP_RETENTION_DAYS",
    default: "runs are kept",
    meaning: "The built-in engine removes finished runs that are older than this many days.",
  },
  stateDir: {
    flag: "--state-dir <folder>",
    env: "TASK_RUN_MCP_STATE_DIR",
    default: "the platform's data folder for task-run-mcp",
    meaning: "Folder for runs and the document index; several processes may share it.",
  },
  logLevel: {
    flag: "--log-level <level>",
    env: "TASK_RUN_MCP_LOG_LEVEL",
    default: "info for servers, warn for other commands",
    meaning: `Level of the log on stderr: ${LOG_LEVELS.join(", ")}.`,
  },
  host: {
    flag: "--host <address>",
    env: "TASK_RUN_MCP_HOST",
    default: "127.0.0.1",
    meaning: "Address that `http` or `engine` listens on.",
  },
  port: {
    flag: "--port <number>",
    env: "TASK_RUN_MCP_PORT",
    default: "3000 for `http`, a free one for `engine`",
    meaning: "Port that `http` or `engine` listens on; 0 takes a free one.",
  },
  allowedHosts: {
    flag: "--allowed-hosts <names>",
    env: "TASK_RUN_MCP_ALLOWED_HOSTS",
    default: "localhost and loopback addresses",
    meaning:
      "Names by which clients may call `http`, separated by commas; any other Host header is refused.",
  },
  allowedOrigins: {
    flag: "--allowed-origins <origins>",
    env: "TASK_RUN_MCP_ALLOWED_ORIGINS",
    default: "none",
    meaning: "Origins of web pages that may call `http` from a browser, separated by commas.",
  },
  tokens: {
    flag: "--tokens <file>",
    env: "TASK_RUN_MCP_TOKENS",
    default: "none",
    meaning:
      "File with the principals of `http`: their hashed tokens, scopes, budgets and rate limits.",
  },
  httpToken: {
    env: "TASK_RUN_MCP_HTTP_TOKEN",
    isSecret: true,
    default: "none",
    meaning: "The single token of `http`; its holder may do everything.",
  },
  oauthIssuer: {
    flag: "--oauth-issuer <url>",
    env: "TASK_RUN_MCP_OAUTH_ISSUER",
    default: "none",
    meaning: "Authorization server whose JWTs `http` accepts; its metadata leads to its keys.",
  },
  oauthAudience: {
    flag: "--oauth-audience <url>",
    env: "TASK_RUN_MCP_OAUTH_AUDIENCE",
    default: "none",
    meaning: "Audience that those JWTs must have: the public URL of `http`, with /mcp.",
  },
  allowKeyHeader: {
    flag: "--allow-key-header",
    env: "TASK_RUN_MCP_ALLOW_KEY_HEADER",
    default: "false",
    meaning: "Lets clients of `http` send their own key for the backend as x-parallel-api-key.",
  },
  callerRequestsPerMinute: {
    flag: "--caller-requests-per-minute <number>",
    env: "TASK_RUN_MCP_CALLER_REQUESTS_PER_MINUTE",
    default: "6000",
    meaning:
      "Requests per minute that `http` accepts from each principal; the tokens file can override it.",
  },
  callerBudgetUsd: {
    flag: "--caller-budget-usd <number>",
    env: "TASK_RUN_MCP_CALLER_BUDGET_USD",
    default: "no limit",
    meaning:
      "US dollars that each principal of `http` may spend per UTC day; the tokens file can override it.",
  },
  publicUrl: {
    flag: "--public-url <url>",
    env: "TASK_RUN_MCP_PUBLIC_URL",
    default: "none",
    meaning:
      "Public URL of `http`: the hosted API reports finished runs there at once. Needs a webhook secret.",
  },
  drainSeconds: {
    flag: "--drain-seconds <number>",
    env: "TASK_RUN_MCP_DRAIN_SECONDS",
    default: "10",
    meaning:
      "How long `http` lets calls finish after SIGTERM; calls that wait for a run are answered at once.",
  },
  strictOutput: {
    flag: "--strict-output",
    env: "TASK_RUN_MCP_STRICT_OUTPUT",
    default: "false",
    meaning:
      "Fails runs of the built-in engine whose output does not match its schema; without it they get a warning.",
  },
  engineApiKey: {
    flag: "--api-key <key>",
    env: "TASK_RUN_MCP_ENGINE_API_KEY",
    isSecret: true,
    default: "none",
    meaning: "Key that clients of `engine` must send as x-api-key.",
  },
  tenants: {
    flag: "--tenants <file>",
    env: "TASK_RUN_MCP_TENANTS",
    default: "none",
    meaning: "File with the tenants of `engine`: their hashed keys, budgets and quotas.",
  },
  profile: {
    flag: "--profile <name>",
    env: "TASK_RUN_MCP_PROFILE",
    default: "extended",
    meaning: "`hosted` limits `engine` to what the hosted API can do; `extended` does not.",
  },
  requireBetas: {
    flag: "--require-betas",
    env: "TASK_RUN_MCP_REQUIRE_BETAS",
    default: "false",
    meaning: "Makes `engine` require the parallel-beta header for beta features.",
  },
} as const satisfies Record<string, Setting>;

/** The variables of a setting, in order of precedence. */
export function variablesOf({ env, isAlsoLowerCase }: Setting): string[] {
  if (env === undefined) return [];
  return isAlsoLowerCase === true ? [env.toLowerCase(), env] : [env];
}

export type SettingName = keyof typeof OPTIONS;
export const settingNames: readonly SettingName[] = Object.keys(OPTIONS).filter(isSettingName);

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(OPTIONS, name);
}

export type Flags = Partial<Record<SettingName, string | boolean>>;
