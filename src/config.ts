import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import envPaths from "env-paths";
import { z } from "zod";
import {
  type Flags,
  LOG_LEVELS,
  type LogLevel,
  OPTIONS,
  type Setting,
  type SettingName,
} from "./options.ts";
import {
  Days,
  Dollars,
  DrainSeconds,
  HostNames,
  HttpUrl,
  Origins,
  Port,
  Quota,
  Seconds,
  Token,
  WaitCaps,
  splitList,
} from "./setting-values.ts";
import { type TelemetryConfig, readTelemetry } from "./telemetry-config.ts";

/** Which Task API performs the runs. */
export type BackendConfig =
  | {
      kind: "hosted" | "custom";
      baseUrl: string;
      apiKey: string | undefined;
      betas: string[];
      inputsPerMinute: number | undefined;
    }
  | { kind: "embedded"; engine: EngineConfig };

/** How our own engine performs runs, embedded or served. */
export interface EngineConfig {
  /** Folders. */
  documents: string[];
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

/** How the MCP server is served over HTTP, and to whom. */
export interface HttpConfig {
  host: string;
  port: number;
  allowedHosts: string[];
  allowedOrigins: string[];
  tokensFile: string | undefined;
  token: string | undefined;
  oauth: { issuer: string; audience: string } | undefined;
  allowKeyHeader: boolean;
  /** Of each caller of whom the tokens file says nothing else. */
  callerLimits: { requestsPerMinute: number | undefined; budgetUsdPerDay: number | undefined };
  /** Where others reach this server, and the secrets of what they report there. */
  publicUrl: string | undefined;
  webhookSecrets: string[];
  drainSeconds: number;
}

export const TOOLSETS = ["runs", "groups"] as const;

/** What agents get, and how far they may go. */
export interface BridgeConfig {
  toolsets: (typeof TOOLSETS)[number][];
  isReadOnly: boolean;
  defaultProcessor: string | undefined;
  budgetUsdPerDay: number | undefined;
  pricesFile: string | undefined;
  waits: { maxSeconds?: number; byClient?: Record<string, number> };
  ledgerPath: string;
}

export interface Config {
  backend: BackendConfig;
  bridge: BridgeConfig;
  engine: EngineConfig;
  serve: ServeConfig;
  http: HttpConfig;
  /** Undefined: nothing is traced. */
  telemetry: TelemetryConfig | undefined;
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
    documents: splitList(read("documents")?.value ?? PACKAGED_DOCUMENTS).map(resolvePath),
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

  const account = {
    apiKey,
    betas: splitList(read("betas")?.value),
    inputsPerMinute: parse(read("inputsPerMinute"), Quota, "a number of runs, 1 or more"),
  };
  let backend: BackendConfig = { kind: "embedded", engine };
  if (baseUrl !== undefined) backend = { kind: "custom", baseUrl, ...account };
  else if (apiKey !== undefined) backend = { kind: "hosted", baseUrl: HOSTED_BASE_URL, ...account };
  const prices = read("prices")?.value;
  const host = read("host")?.value ?? "127.0.0.1";
  const port = parse(read("port"), Port, "a number from 0 to 65535");
  const http = readHttp(read, { host, port: port ?? 3_000 });
  const telemetry = readTelemetry(env);

  return {
    backend,
    bridge: {
      toolsets: parse(read("toolsets"), Toolsets, "runs, groups, or runs,groups") ?? [...TOOLSETS],
      isReadOnly: parse(read("readOnly"), z.stringbool(), "true or false") ?? false,
      defaultProcessor: read("defaultProcessor")?.value,
      budgetUsdPerDay: parse(read("budgetUsd"), Dollars, "a number of US dollars, 0 or more"),
      pricesFile: prices === undefined ? undefined : resolvePath(prices),
      waits: readWaits(
        parse(read("maxWaitSeconds"), Seconds, "a number of seconds, 1 to 3600"),
        parse(read("waitCaps"), WaitCaps, "names and seconds, such as cursor=240,codex=120"),
      ),
      ledgerPath: join(stateDir, "ledger.sqlite"),
    },
    engine,
    serve: {
      host,
      port: port ?? 0,
      apiKey: engineApiKey,
      tenantsFile: tenantsFile === undefined ? undefined : resolvePath(tenantsFile),
      profile: parse(read("profile"), z.enum(PROFILES), PROFILES.join(" or ")) ?? "extended",
      requireBetas: parse(read("requireBetas"), z.stringbool(), "true or false") ?? false,
    },
    http,
    telemetry,
    logLevel:
      parse(read("logLevel"), z.enum(LOG_LEVELS), `one of ${LOG_LEVELS.join(", ")}`) ?? "info",
    secrets: [
      apiKey,
      engineApiKey,
      http.token,
      ...engine.webhookSecrets.map(withoutForm),
      ...(telemetry?.secrets ?? []),
    ].filter((secret) => secret !== undefined),
  };
}

function readHttp(
  read: (name: SettingName) => GivenSetting | undefined,
  address: Pick<HttpConfig, "host" | "port">,
): HttpConfig {
  const tokensFile = read("tokens")?.value;
  const issuer = parse(read("oauthIssuer"), HttpUrl, "an https URL");
  const audience = parse(read("oauthAudience"), HttpUrl, "the URL of this server, with /mcp");
  if ((issuer === undefined) !== (audience === undefined)) {
    throw new BadSetting(
      "OAuth needs both --oauth-issuer and --oauth-audience; add the other one.",
    );
  }
  return {
    ...address,
    allowedHosts: splitList(
      parse(
        read("allowedHosts"),
        HostNames,
        "names such as mcp.example.com, without scheme or port",
      ),
    ),
    allowedOrigins: splitList(
      parse(read("allowedOrigins"), Origins, "origins such as https://app.example.com"),
    ),
    tokensFile: tokensFile === undefined ? undefined : resolvePath(tokensFile),
    token: parse(read("httpToken"), Token, "16 or more visible characters without spaces"),
    oauth: issuer === undefined || audience === undefined ? undefined : { issuer, audience },
    allowKeyHeader: parse(read("allowKeyHeader"), z.stringbool(), "true or false") ?? false,
    callerLimits: {
      requestsPerMinute: parse(read("callerRequestsPerMinute"), Quota, "a number, 1 or more"),
      budgetUsdPerDay: parse(read("callerBudgetUsd"), Dollars, "a number of US dollars, 0 or more"),
    },
    publicUrl: parse(read("publicUrl"), HttpUrl, "an http or https URL"),
    webhookSecrets: splitList(read("webhookSecrets")?.value).map(withoutForm),
    drainSeconds: parse(read("drainSeconds"), DrainSeconds, "a number of seconds, 0 to 3600") ?? 10,
  };
}

/** A webhook secret may say in which form it is a key; the secret is what follows. */
function withoutForm(secret: string): string {
  return secret.replace(/^(?:raw|decoded):/, "");
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

/** A cap for everybody takes the place of what is known about single clients. */
function readWaits(
  maxSeconds: number | undefined,
  caps: Record<string, number> | undefined,
): BridgeConfig["waits"] {
  return {
    ...(maxSeconds !== undefined && { maxSeconds, byClient: {} }),
    ...(caps !== undefined && { byClient: caps }),
  };
}

const Toolsets = z
  .string()
  .transform((value) => splitList(value))
  .pipe(z.array(z.enum(TOOLSETS)).min(1));
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

/** What tells where other programs of this user keep their settings. */
export interface Machine {
  platform: NodeJS.Platform;
  home: string;
  env: NodeJS.ProcessEnv;
}

export function readMachine(env: NodeJS.ProcessEnv = process.env): Machine {
  return { platform: process.platform, home: homedir(), env };
}

/** An absolute path; `~` is the user's home folder. */
export function resolvePath(path: string): string {
  return resolve(path.replace(/^~(?=$|[/\\])/, homedir()));
}
