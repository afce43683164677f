import type { Command } from "commander";
import { OPTIONS, type Setting, type SettingName } from "../options.ts";

/** The settings of the built-in engine, wherever it runs. */
export const ENGINE_SETTINGS = [
  "documents",
  "script",
  "allowNetworks",
  "retentionDays",
  "stateDir",
  "logLevel",
] as const satisfies SettingName[];

/** What agents get from the MCP server, and what they may spend. */
export const BRIDGE_SETTINGS = [
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

/** How the MCP server is served over HTTP, and to whom. */
export const HTTP_SETTINGS = [
  "host",
  "port",
  "allowedHosts",
  "allowedOrigins",
  "tokens",
  "oauthIssuer",
  "oauthAudience",
  "allowKeyHeader",
  "callerRequestsPerMinute",
  "callerBudgetUsd",
  "publicUrl",
  "drainSeconds",
] as const satisfies SettingName[];

/** Gives a command the flags of settings, each with its variable and its default. */
export function addOptions(command: Command, names: readonly SettingName[]): Command {
  for (const name of names) {
    const { flag, env, meaning, default: byDefault }: Setting = OPTIONS[name];
    const origin = env === undefined ? "" : `env ${env}, `;
    if (flag !== undefined) command.option(flag, `${meaning} (${origin}default: ${byDefault})`);
  }
  return command;
}
