import type { Command } from "commander";
import { OPTIONS, type Setting, type SettingName } from "../options.ts";

/** Which Task API performs the runs, and on whose account. */
const ACCOUNT_SETTINGS = ["apiKey", "baseUrl"] as const satisfies SettingName[];

/** How the built-in engine performs runs. */
const ENGINE_SETTINGS = [
  "documents",
  "script",
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

/** What each command reads: these are its options, and only their values can stop it. */
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
    "allowNetworks",
    "stateDir",
    "logLevel",
  ],
  runs: [...ACCOUNT_SETTINGS, "budgetUsd", "prices", "documents", "script", "stateDir", "logLevel"],
  get: [
    ...ACCOUNT_SETTINGS,
    "prices",
    "documents",
    "script",
    "allowNetworks",
    "stateDir",
    "logLevel",
  ],
  cancel: [...ACCOUNT_SETTINGS, "prices", "documents", "script", "stateDir", "logLevel"],
} as const satisfies Record<string, readonly SettingName[]>;

/**
 * Gives a command the flags of settings, each with its variable and its default, and names at the end of its help the
 * settings that only the environment has.
 */
export function addOptions(command: Command, names: readonly SettingName[]): Command {
  const variables: string[] = [];
  for (const name of names) {
    const { flag, env, meaning, default: byDefault }: Setting = OPTIONS[name];
    const origin = env === undefined ? "" : `env ${env}, `;
    if (flag === undefined) variables.push(`  ${env}\n      ${meaning} (default: ${byDefault})`);
    else command.option(flag, `${meaning} (${origin}default: ${byDefault})`);
  }
  if (variables.length === 0) return command;
  return command.addHelpText("after", ["\nEnvironment only:", ...variables].join("\n"));
}

/** Lines for the help of a command. */
export function examples(...lines: string[]): string {
  return ["", "Examples:", ...lines.map((line) => `  $ task-run-mcp ${line}`)].join("\n");
}
