import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import envPaths from "env-paths";
import { z } from "zod";
import { LOG_LEVELS, type LogLevel } from "./logger.ts";

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

/** Which Task API performs the runs. */
export type BackendConfig =
  | { kind: "hosted" | "custom"; baseUrl: string; apiKey: string | undefined }
  | { kind: "embedded"; engine: EngineConfig };

/** How our own engine performs runs, embedded or served. */
export interface EngineConfig {
  documents: string;
  script: string | undefined;
  databasePath: string;
  /** CIDR. */
  allowNetworks: string[];
  webhookSecrets: string[];
  retentionDays: number | undefined;
}

export const PROFILES = ["extended", "hosted"] as const;

/** How our own engine is served over HTTP. */
export interface ServeConfig {
  host: string;
  port: number;
  apiKey: string | undefined;
  tenantsFile: string | undefined;
  profile: (typeof PROFILES)[number];
  requireBetas: boolean;
}

export interface Config {
  backend: BackendConfig;
  engine: EngineConfig;
  serve: ServeConfig;
  logLevel: LogLevel;
  /** Every secret of this configuration, for redaction. */
  secrets: string[];
}

/** A setting has a value that cannot be used; the message names where it was set and what to write instead. */
export class BadSetting extends Error {
  override readonly name = "BadSetting";
}

const HOSTED_BASE_URL = "https://api.parallel.ai";
const PACKAGED_DOCUMENTS = fileURLToPath(new URL("../examples/documents", import.meta.url));

/**
 * The configuration of this process: flags first, then the environment, then defaults. Empty values, and
 * placeholders that a host did not fill in, count as unset. Throws {@link BadSetting}.
 */
export function readConfig(flags: Flags, env: NodeJS.ProcessEnv = process.env): Config {
  const read = (name: SettingName) => readSetting(name, flags, env);

  const stateDir = resolvePath(
    read("stateDir")?.value ?? envPaths("task-run-mcp", { suffix: "" }).data,
  );
  const script = read("script")?.value;
  const engine: EngineConfig = {
    documents: resolvePath(read("documents")?.value ?? PACKAGED_DOCUMENTS),
    script: script === undefined ? undefined : resolvePath(script),
    databasePath: join(stateDir, "engine.sqlite"),
    allowNetworks: splitList(read("allowNetworks")?.value),
    webhookSecrets: splitList(read("webhookSecrets")?.value),
    retentionDays: parse(read("retentionDays"), Days, "a number of days, 1 or more"),
  };
  const apiKey = read("apiKey")?.value;
  const baseUrl = parse(read("baseUrl"), HttpUrl, "an http or https URL");
  const engineApiKey = read("engineApiKey")?.value;
  const tenantsFile = read("tenants")?.value;
  if (engineApiKey !== undefined && tenantsFile !== undefined) {
    throw new BadSetting("Both a key and a tenants file are set; use one of them.");
  }

  let backend: BackendConfig = { kind: "embedded", engine };
  if (baseUrl !== undefined) backend = { kind: "custom", baseUrl, apiKey };
  else if (apiKey !== undefined) backend = { kind: "hosted", baseUrl: HOSTED_BASE_URL, apiKey };

  return {
    backend,
    engine,
    serve: {
      host: read("host")?.value ?? "127.0.0.1",
      port: parse(read("port"), Port, "a number from 0 to 65535") ?? 0,
      apiKey: engineApiKey,
      tenantsFile: tenantsFile === undefined ? undefined : resolvePath(tenantsFile),
      profile: parse(read("profile"), z.enum(PROFILES), PROFILES.join(" or ")) ?? "extended",
      requireBetas: parse(read("requireBetas"), z.stringbool(), "true or false") ?? false,
    },
    logLevel:
      parse(read("logLevel"), z.enum(LOG_LEVELS), `one of ${LOG_LEVELS.join(", ")}`) ?? "info",
    secrets: [apiKey, engineApiKey, ...engine.webhookSecrets.map(withoutForm)].filter(
      (secret) => secret !== undefined,
    ),
  };
}

/** A webhook secret may say in which form it is a key; the secret is what follows. */
function withoutForm(secret: string): string {
  return secret.replace(/^(?:raw|decoded):/, "");
}

function splitList(value: string | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

interface GivenSetting {
  value: string;
  /** Where it was set, for error messages. */
  origin: string;
}

function readSetting(
  name: SettingName,
  flags: Flags,
  env: NodeJS.ProcessEnv,
): GivenSetting | undefined {
  const option: Setting = OPTIONS[name];
  const flag = flags[name];
  if (flag !== undefined && flag !== "")
    return { value: String(flag), origin: option.flag ?? name };
  const value = option.env === undefined ? undefined : env[option.env]?.trim();
  // A desktop host passes `${user_config.…}` on when the user left a field empty.
  if (value === undefined || value === "" || value.startsWith("${")) return undefined;
  return { value, origin: option.env ?? name };
}

const HttpUrl = z.url({ protocol: /^https?$/ });
const Days = z.coerce.number().int().min(1);
const Port = z.coerce.number().int().min(0).max(65_535);

function parse<Value>(
  setting: GivenSetting | undefined,
  schema: z.ZodType<Value>,
  expected: string,
): Value | undefined {
  if (setting === undefined) return undefined;
  const parsed = schema.safeParse(setting.value);
  if (parsed.success) return parsed.data;
  // Without the value: a key in the wrong place is a secret all the same.
  throw new BadSetting(`${setting.origin} cannot be used; write ${expected}.`);
}

function resolvePath(path: string): string {
  return resolve(path.replace(/^~(?=$|[/\\])/, homedir()));
}
