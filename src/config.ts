import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Proxies } from "./client/http/proxies.ts";
import { type HttpConfig, readHttp } from "./settings/http-settings.ts";
import { type Machine, dataFolder, homeFolder, resolvePath } from "./settings/folders.ts";
import { type Flags, LOG_LEVELS, type LogLevel, type SettingName } from "./options.ts";
import { readProxies } from "./settings/proxy-settings.ts";
import {
  BadSetting,
  type HostSettings,
  type WrongSetting,
  createSettingReader,
  readFolders,
} from "./settings/setting-reader.ts";
import {
  ApiKey,
  BaseUrl,
  Days,
  Dollars,
  TrueOrFalse,
  KnownProcessor,
  Level,
  PROFILES,
  Port,
  Profile,
  ProcessorName,
  Quota,
  Seconds,
  TOOLSETS,
  Toolsets,
  WaitCaps,
  readWaits,
  splitList,
  withoutForm,
} from "./settings/setting-values.ts";
import { processorNames } from "./task-api/processors.ts";
import { type TelemetryConfig, readTelemetry } from "./settings/telemetry-settings.ts";

/** Which Task API performs the runs. */
export type BackendConfig =
  | {
      kind: "hosted" | "custom";
      baseUrl: string;
      apiKey: string | undefined;
      betas: string[];
      inputsPerMinute: number | undefined;
      proxies?: Proxies;
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
  /** A run fails whose output does not conform to its schema. */
  strictOutput: boolean;
}

/** How our own engine is served over HTTP. */
export interface ServeConfig {
  host: string;
  port: number;
  apiKey: string | undefined;
  tenantsFile: string | undefined;
  profile: (typeof PROFILES)[number];
  requireBetas: boolean;
  /** What its runs cost. */
  pricesFile: string | undefined;
}

/** What agents get, and how far they may go. */
export interface BridgeConfig {
  toolsets: (typeof TOOLSETS)[number][];
  isReadOnly: boolean;
  defaultProcessor: string | undefined;
  budgetUsdPerDay: number | undefined;
  pricesFile: string | undefined;
  waits: { maxSeconds?: number; byClient?: Record<string, number> };
  ledgerPath: string;
  /** The backend whose prices, times and sources the tools describe. */
  catalogBackend: BackendConfig["kind"] | "scripted";
}

export interface Config {
  backend: BackendConfig;
  bridge: BridgeConfig;
  engine: EngineConfig;
  serve: ServeConfig;
  http: HttpConfig;
  /** Undefined: nothing is traced. */
  telemetry: TelemetryConfig | undefined;
  /** For every request to a server that a setting names. */
  proxies: Proxies;
  logLevel: LogLevel;
  /** Nothing says where state may be kept: this user has no home folder. It stays in memory. */
  isHomeless: boolean;
  /** Every secret of this configuration, for redaction. */
  secrets: string[];
}

/** What all settings come to, and what is wrong with them. */
export interface Settings {
  /** A wrong setting counts as unset here: nothing may be started while one that matters is wrong. */
  config: Config;
  problems: WrongSetting[];
  /** The name by which the user knows a setting: its title in a dialog, or the flag or variable that sets it. */
  nameOf(setting: SettingName): string;
}

const HOSTED_BASE_URL = "https://api.parallel.ai";
const PACKAGED_DOCUMENTS = fileURLToPath(new URL("../examples/documents", import.meta.url));

/** The configuration of this process, as {@link readSettings} reads it. Throws {@link BadSetting}. */
export function readConfig(flags: Flags, env: NodeJS.ProcessEnv = process.env): Config {
  const { config, problems } = readSettings(flags, env);
  if (problems.length > 0) throw new BadSetting(problems);
  return config;
}

/**
 * Reads every setting: flags first, then the environment, then defaults. Space and quotation marks around a value are
 * removed; empty values, and fields of a dialog that were left empty, count as unset.
 */
export function readSettings(
  flags: Flags,
  env: NodeJS.ProcessEnv = process.env,
  host: HostSettings = {},
): Settings {
  const reader = createSettingReader(flags, env, host);
  const { parse, problems, nameOf, reject } = reader;
  const text = (name: SettingName) => reader.read(name)?.value;
  const path = (name: SettingName) => text(name) && resolvePath(text(name) ?? "");

  const stateDir = path("stateDir") ?? dataFolder(env);
  const inState = (file: string) => (stateDir === undefined ? ":memory:" : join(stateDir, file));
  const folders = readFolders(host.folders, text("documents"), resolvePath);
  const engine: EngineConfig = {
    documents: folders.length > 0 ? folders.map(resolvePath) : [PACKAGED_DOCUMENTS],
    script: path("script"),
    databasePath: inState("engine.sqlite"),
    allowNetworks: splitList(text("allowNetworks")),
    webhookSecrets: splitList(text("webhookSecrets")),
    retentionDays: parse("retentionDays", Days, "a number of days, 1 or more"),
    strictOutput: parse("strictOutput", TrueOrFalse, "true or false") ?? false,
  };
  const { proxies, secrets: proxySecrets } = readProxies(reader.read);
  const apiKey = parse("apiKey", ApiKey, "the key as the provider shows it, without spaces");
  const baseUrl = parse(
    "baseUrl",
    BaseUrl,
    "an http or https URL without credentials, such as https://api.parallel.ai",
  );
  const engineApiKey = text("engineApiKey");
  const tenantsFile = path("tenants");
  if (engineApiKey !== undefined && tenantsFile !== undefined) {
    reject("tenants", `${nameOf("engineApiKey")} is set too; use one of them`);
  }

  const account = {
    apiKey,
    betas: splitList(text("betas")),
    inputsPerMinute: parse("inputsPerMinute", Quota, "a number of runs, 1 or more"),
    proxies,
  };
  let backend: BackendConfig = { kind: "embedded", engine };
  if (baseUrl !== undefined) backend = { kind: "custom", baseUrl, ...account };
  else if (apiKey !== undefined && !problems.some(({ setting }) => setting === "baseUrl")) {
    // A key for an address that cannot be used goes nowhere else.
    backend = { kind: "hosted", baseUrl: HOSTED_BASE_URL, ...account };
  }
  const address = text("host") ?? "127.0.0.1";
  const port = parse("port", Port, "a number from 0 to 65535");
  const http = readHttp(reader, { host: address, port: port ?? 3_000 });
  const telemetry = readTelemetry(env, proxies);

  const config: Config = {
    backend,
    bridge: {
      toolsets: parse("toolsets", Toolsets, "runs, groups, or runs,groups") ?? [...TOOLSETS],
      isReadOnly: parse("readOnly", TrueOrFalse, "true or false") ?? false,
      defaultProcessor: parse(
        "defaultProcessor",
        // Another Task API may have processors of its own.
        backend.kind === "custom" ? ProcessorName : KnownProcessor,
        `one of ${processorNames()}`,
      ),
      budgetUsdPerDay: parse("budgetUsd", Dollars, "a number of US dollars, such as 5 or 0.50"),
      pricesFile: path("prices"),
      waits: readWaits(
        parse("maxWaitSeconds", Seconds, "a number of seconds, 1 to 3600"),
        parse("waitCaps", WaitCaps, "names and seconds, such as cursor=240,codex=120"),
      ),
      ledgerPath: inState("ledger.sqlite"),
      catalogBackend: catalogBackendOf(backend, path("prices")),
    },
    engine,
    isHomeless: stateDir === undefined,
    serve: {
      host: address,
      port: port ?? 0,
      apiKey: engineApiKey,
      tenantsFile,
      profile: parse("profile", Profile, PROFILES.join(" or ")) ?? "extended",
      requireBetas: parse("requireBetas", TrueOrFalse, "true or false") ?? false,
      pricesFile: path("prices"),
    },
    http,
    telemetry,
    proxies,
    logLevel:
      parse("logLevel", Level, `one of ${LOG_LEVELS.join(", ")}`) ?? host.logLevel ?? "info",
    secrets: [
      text("apiKey"),
      engineApiKey,
      text("httpToken"),
      ...engine.webhookSecrets.map(withoutForm),
      ...(telemetry?.secrets ?? []),
      ...proxySecrets,
    ].filter((secret) => secret !== undefined),
  };
  return { config, problems, nameOf };
}

/** Prices of the operator's are not those that the texts for the hosted API have. */
function catalogBackendOf(
  backend: BackendConfig,
  pricesFile: string | undefined,
): BridgeConfig["catalogBackend"] {
  if (backend.kind === "embedded") {
    return backend.engine.script === undefined ? "embedded" : "scripted";
  }
  return pricesFile === undefined ? backend.kind : "custom";
}

export function readMachine(env: NodeJS.ProcessEnv = process.env): Machine {
  // Not everybody who asks for the machine needs a home, and not every user has one.
  const home = { get: homeFolder, enumerable: true };
  return Object.defineProperty({ platform: process.platform, home: "", env }, "home", home);
}
