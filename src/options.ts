import { LOG_LEVELS } from "./logger.ts";

/** One setting of the program: where it can be set, and what it means. The README's table is checked against this. */
export interface Setting {
  /** As commander reads it; the commands that take it name it. */
  flag?: string;
  env?: string;
  /** The default, in words. */
  default: string;
  meaning: string;
}

export const OPTIONS = {
  apiKey: {
    env: "PARALLEL_API_KEY",
    default: "none",
    meaning:
      "Key of the hosted Task API. Set: runs are performed there and cost money. Unset: the built-in engine.",
  },
  baseUrl: {
    env: "PARALLEL_BASE_URL",
    default: "https://api.parallel.ai",
    meaning: "Base URL of another Task API, for example your own engine; works without a key too.",
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
    default: "Parallel's list",
    meaning: 'JSON file with US dollars per completed run by processor, such as `{"base": 0.01}`.',
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
    flag: "--documents <folder>",
    env: "TASK_RUN_MCP_DOCUMENTS",
    default: "the packaged examples",
    meaning: "Folder of Markdown, text and HTML files that the built-in engine researches.",
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
    default: "none",
    meaning: "Secrets that sign webhooks, separated by commas; several while one is replaced.",
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
    default: "info",
    meaning: `What is logged to stderr: ${LOG_LEVELS.join(", ")}.`,
  },
  host: {
    flag: "--host <address>",
    env: "TASK_RUN_MCP_HOST",
    default: "127.0.0.1",
    meaning: "Address that `engine` listens on.",
  },
  port: {
    flag: "--port <number>",
    env: "TASK_RUN_MCP_PORT",
    default: "0, any free port",
    meaning: "Port that `engine` listens on.",
  },
  engineApiKey: {
    flag: "--api-key <key>",
    env: "TASK_RUN_MCP_ENGINE_API_KEY",
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

export type SettingName = keyof typeof OPTIONS;
export type Flags = Partial<Record<SettingName, string | boolean>>;
