import type { SettingName } from "../options.ts";

/** Which Task API performs the runs, and which account pays. */
const ACCOUNT_SETTINGS = ["apiKey", "baseUrl"] as const satisfies SettingName[];

/** How the built-in engine performs runs. */
const ENGINE_SETTINGS = [
  "documents",
  "script",
  "executor",
  "embeddingUrl",
  "embeddingModel",
  "embeddingKey",
  "allowNetworks",
  "webhookSecrets",
  "retentionDays",
  "strictOutput",
  "stateDir",
  "logLevel",
] as const satisfies SettingName[];

/** What agents get from the MCP server, and what they may spend. */
const BRIDGE_SETTINGS = [
  "toolsets",
  "readOnly",
  "defaultProcessor",
  "budgetUsd",
  "prices",
  "betas",
  "inputsPerMinute",
  "maxWaitSeconds",
  "waitCaps",
] as const satisfies SettingName[];

const LISTENING_SETTINGS = ["host", "port"] as const satisfies SettingName[];

/** The settings that each command reads. They are its options, and only their values can stop it. */
export const COMMAND_SETTINGS = {
  stdio: [...ACCOUNT_SETTINGS, ...ENGINE_SETTINGS, ...BRIDGE_SETTINGS],
  http: [
    ...ACCOUNT_SETTINGS,
    ...ENGINE_SETTINGS,
    ...BRIDGE_SETTINGS,
    ...LISTENING_SETTINGS,
    "allowedHosts",
    "allowedOrigins",
    "tokens",
    "httpToken",
    "oauthIssuer",
    "oauthAudience",
    "allowKeyHeader",
    "callerRequestsPerMinute",
    "callerBudgetUsd",
    "publicUrl",
    "drainSeconds",
  ],
  engine: [
    ...ENGINE_SETTINGS,
    ...LISTENING_SETTINGS,
    "engineApiKey",
    "tenants",
    "prices",
    "profile",
    "requireBetas",
  ],
  run: [
    ...ACCOUNT_SETTINGS,
    "budgetUsd",
    "prices",
    "betas",
    "documents",
    "script",
    "executor",
    "embeddingUrl",
    "embeddingModel",
    "embeddingKey",
    "allowNetworks",
    "stateDir",
    "logLevel",
  ],
  runs: [
    ...ACCOUNT_SETTINGS,
    "budgetUsd",
    "prices",
    "documents",
    "script",
    "executor",
    "stateDir",
    "logLevel",
  ],
  get: [
    ...ACCOUNT_SETTINGS,
    "prices",
    "documents",
    "script",
    "executor",
    "embeddingUrl",
    "embeddingModel",
    "embeddingKey",
    "allowNetworks",
    "stateDir",
    "logLevel",
  ],
  cancel: [
    ...ACCOUNT_SETTINGS,
    "prices",
    "documents",
    "script",
    "executor",
    "stateDir",
    "logLevel",
  ],
} as const satisfies Record<string, readonly SettingName[]>;
