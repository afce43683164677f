export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One setting of the program: where it can be set, and what it means. The README's table is checked against this. */
export interface Setting {
  /** As commander reads it; the commands that take it name it. */
  flag?: string;
  env?: string;
  /** Its value is never shown. */
  isSecret?: boolean;
  /** Whether the variable is also read, and first, in small letters, as other programs do. */
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
      "Key of the hosted Task API. Set: runs are performed there and cost money. Unset: the built-in engine.",
  },
  baseUrl: {
    env: "PARALLEL_BASE_URL",
    default: "https://api.parallel.ai",
    meaning: "Base URL of another Task API, for example your own engine; works without a key too.",
  },
  httpsProxy: {
    env: "HTTPS_PROXY",
    isAlsoLowerCase: true,
    default: "`HTTP_PROXY`",
    meaning: "Proxy for requests to https addresses; see docs/networks.md.",
  },
  httpProxy: {
    env: "HTTP_PROXY",
    isAlsoLowerCase: true,
    default: "none",
    meaning: "Proxy for requests to http addresses.",
  },
  noProxy: {
    env: "NO_PROXY",
    isAlsoLowerCase: true,
    default: "none",
    meaning: "Hosts, domains and networks that are reached without a proxy, separated by commas.",
  },
  toolsets: {
    flag: "--toolsets <names>",
    env: "TASK_RUN_MCP_TOOLSETS",
    default: "runs,groups",
    meaning: "Which tools agents get: `runs`, `groups`, or both.",
  },
  readOnly: {
    flag: "--read-only",
    env: "TASK_RUN_MCP_READ_ONLY",
    default: "false",
    meaning:
      "Gives agents only the tools that start, change and spend nothing; wins over the rest.",
  },
  defaultProcessor: {
    flag: "--default-processor <name>",
    env: "TASK_RUN_MCP_DEFAULT_PROCESSOR",
    default: "base",
    meaning: "What a run that names no processor runs on.",
  },
  budgetUsd: {
    flag: "--budget-usd <number>",
    env: "TASK_RUN_MCP_BUDGET_USD",
    default: "no limit",
    meaning:
      "US dollars that may be spent in a UTC day; what would cost more is refused before it starts.",
  },
  prices: {
    flag: "--prices <file>",
    env: "TASK_RUN_MCP_PRICES",
    default: "what the backend announces, else Parallel's list",
    meaning:
      'JSON file with US dollars per completed run by processor, such as `{"base": 0.01}`; `engine` announces them.',
  },
  betas: {
    flag: "--betas <values>",
    env: "TASK_RUN_MCP_BETAS",
    default: "none",
    meaning: "Values added to the parallel-beta header of every create, separated by commas.",
  },
  inputsPerMinute: {
    flag: "--inputs-per-minute <number>",
    env: "TASK_RUN_MCP_INPUTS_PER_MINUTE",
    default: "2000",
    meaning: "Creates are paced to this many runs a minute, the quota of the account.",
  },
  maxWaitSeconds: {
    flag: "--max-wait-seconds <number>",
    env: "TASK_RUN_MCP_MAX_WAIT_SECONDS",
    default: "50; more for clients known to wait longer",
    meaning: "The longest wait of one call, whatever client it is.",
  },
  waitCaps: {
    flag: "--wait-caps <client=seconds,…>",
    env: "TASK_RUN_MCP_WAIT_CAPS",
    default: "none",
    meaning:
      "The longest wait of one call by a part of the client's name; wins over the cap for all.",
  },
  documents: {
    flag: "--documents <folder,…>",
    env: "TASK_RUN_MCP_DOCUMENTS",
    default: "the packaged examples",
    meaning:
      "Folders of Markdown, text, HTML, PDF, Word, CSV and JSON files that the built-in engine researches.",
  },
  script: {
    flag: "--script <file>",
    env: "TASK_RUN_MCP_SCRIPT",
    default: "none",
    meaning: "Script that decides what runs do, in place of research: for testing agents.",
  },
  allowNetworks: {
    flag: "--allow-networks <cidr,…>",
    env: "TASK_RUN_MCP_ALLOW_NETWORKS",
    default: "none",
    meaning:
      "Private networks that webhooks and MCP servers of runs may be on; public addresses always may.",
  },
  webhookSecrets: {
    env: "TASK_RUN_MCP_WEBHOOK_SECRETS",
    isSecret: true,
    default: "none",
    meaning:
      "Secrets that sign webhooks, sent and received, separated by commas; several while one is replaced.",
  },
  retentionDays: {
    flag: "--retention-days <number>",
    env: "TASK_RUN_MCP_RETENTION_DAYS",
    default: "runs are kept",
    meaning: "Finished runs older than this are removed by the built-in engine.",
  },
  stateDir: {
    flag: "--state-dir <folder>",
    env: "TASK_RUN_MCP_STATE_DIR",
    default: "the platform's data folder for task-run-mcp",
    meaning: "Folder that keeps runs and the document index; several processes may share it.",
  },
  logLevel: {
    flag: "--log-level <level>",
    env: "TASK_RUN_MCP_LOG_LEVEL",
    default: "info for servers, warn for other commands",
    meaning: `What is logged to stderr: ${LOG_LEVELS.join(", ")}.`,
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
    default: "3000 for `http`, any free one for `engine`",
    meaning: "Port that `http` or `engine` listens on; 0 for any free one.",
  },
  allowedHosts: {
    flag: "--allowed-hosts <names>",
    env: "TASK_RUN_MCP_ALLOWED_HOSTS",
    default: "localhost and loopback addresses",
    meaning: "Names by which others call `http`, separated by commas; any other Host is refused.",
  },
  allowedOrigins: {
    flag: "--allowed-origins <origins>",
    env: "TASK_RUN_MCP_ALLOWED_ORIGINS",
    default: "none",
    meaning:
      "Web pages that may call `http` from a browser, by their origins, separated by commas.",
  },
  tokens: {
    flag: "--tokens <file>",
    env: "TASK_RUN_MCP_TOKENS",
    default: "none",
    meaning: "File with the callers of `http`: their hashed tokens, scopes, budgets and rates.",
  },
  httpToken: {
    env: "TASK_RUN_MCP_HTTP_TOKEN",
    isSecret: true,
    default: "none",
    meaning: "The one token of `http`, which lets its holder do everything.",
  },
  oauthIssuer: {
    flag: "--oauth-issuer <url>",
    env: "TASK_RUN_MCP_OAUTH_ISSUER",
    default: "none",
    meaning: "Authorization server whose JWTs `http` accepts; its keys are found by its metadata.",
  },
  oauthAudience: {
    flag: "--oauth-audience <url>",
    env: "TASK_RUN_MCP_OAUTH_AUDIENCE",
    default: "none",
    meaning: "The public URL of `http`, with /mcp, for which those JWTs must be meant.",
  },
  allowKeyHeader: {
    flag: "--allow-key-header",
    env: "TASK_RUN_MCP_ALLOW_KEY_HEADER",
    default: "false",
    meaning:
      "Lets callers of `http` send a key of their own for the backend as x-parallel-api-key.",
  },
  callerRequestsPerMinute: {
    flag: "--caller-requests-per-minute <number>",
    env: "TASK_RUN_MCP_CALLER_REQUESTS_PER_MINUTE",
    default: "6000",
    meaning:
      "Requests that one caller of `http` may make in a minute; a tokens file may say otherwise.",
  },
  callerBudgetUsd: {
    flag: "--caller-budget-usd <number>",
    env: "TASK_RUN_MCP_CALLER_BUDGET_USD",
    default: "no limit",
    meaning:
      "US dollars that one caller of `http` may spend in a UTC day; a tokens file may say otherwise.",
  },
  publicUrl: {
    flag: "--public-url <url>",
    env: "TASK_RUN_MCP_PUBLIC_URL",
    default: "none",
    meaning:
      "Where others reach `http`: the hosted API then reports finished runs there at once. Needs a webhook secret.",
  },
  drainSeconds: {
    flag: "--drain-seconds <number>",
    env: "TASK_RUN_MCP_DRAIN_SECONDS",
    default: "10",
    meaning: "How long `http` lets calls end after SIGTERM; those that wait are answered at once.",
  },
  strictOutput: {
    flag: "--strict-output",
    env: "TASK_RUN_MCP_STRICT_OUTPUT",
    default: "false",
    meaning:
      "Makes a run of our engine fail whose output does not conform to its schema, in place of a warning.",
  },
  engineApiKey: {
    flag: "--api-key <key>",
    env: "TASK_RUN_MCP_ENGINE_API_KEY",
    isSecret: true,
    default: "none",
    meaning: "Key that callers of `engine` must send as x-api-key.",
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
    meaning:
      "`hosted` makes `engine` behave as the hosted API where ours can do more; or `extended`.",
  },
  requireBetas: {
    flag: "--require-betas",
    env: "TASK_RUN_MCP_REQUIRE_BETAS",
    default: "false",
    meaning: "Makes `engine` demand the parallel-beta header for beta features.",
  },
} as const satisfies Record<string, Setting>;

/** The variables of a setting; the first that is not empty counts. */
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
