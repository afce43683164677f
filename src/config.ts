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
  ApiProfile,
  BaseUrl,
  Days,
  Dollars,
  TrueOrFalse,
  KnownProcessor,
  Level,
  type ExecutorName,
  ExecutorChoice,
  EXECUTORS,
  PROFILES,
  Port,
  ProcessorName,
  Quota,
  TOOLSETS,
  Toolsets,
  WaitCaps,
  MaxWaitSeconds,
  readWaits,
  splitList,
  withoutSecretPrefix,
} from "./settings/setting-values.ts";
import { processorNames } from "./task-api/processors.ts";
import { type TelemetryConfig, readTelemetry } from "./settings/telemetry-settings.ts";

/** The Task API that performs the runs. */
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

/** How the built-in engine performs runs, embedded or served over HTTP. */
export interface EngineConfig {
  /** Absolute paths of folders. */
  documents: string[];
  script: string | undefined;
  /** By processor; `*` for those without an entry. */
  executors: Readonly<Record<string, ExecutorName>>;
  /** Re-ranks passages. */
  embedding?: { url: string; model: string; apiKey: string | undefined } | undefined;
  databasePath: string;
  /** Networks in CIDR notation. */
  allowNetworks: string[];
  webhookSecrets: string[];
  retentionDays: number | undefined;
  /** Fails a run whose output does not match its schema, instead of adding a warning. */
  strictOutput: boolean;
}

/** How the `engine` command serves the engine over HTTP. */
export interface ServeConfig {
  host: string;
  port: number;
  apiKey: string | undefined;
  tenantsFile: string | undefined;
  profile: (typeof PROFILES)[number];
  requireBetas: boolean;
  /** JSON file with the prices that the engine publishes. */
  pricesFile: string | undefined;
}

/** The tools that agents get, and their limits. */
export interface BridgeConfig {
  toolsets: (typeof TOOLSETS)[number][];
  isReadOnly: boolean;
  defaultProcessor: string | undefined;
  budgetUsdPerDay: number | undefined;
  pricesFile: string | undefined;
  waits: { maxSeconds?: number; byClient?: Record<string, number> };
  ledgerPath: string;
  /** The backend whose prices, times and sources the tool texts describe. */
  catalogBackend: BackendConfig["kind"] | "scripted" | "host";
}

export interface Config {
  backend: BackendConfig;
  bridge: BridgeConfig;
  engine: EngineConfig;
  serve: ServeConfig;
  http: HttpConfig;
  /** Undefined when tracing is off. */
  telemetry: TelemetryConfig | undefined;
  /** For requests to servers that a setting names; requests to addresses of a run use no proxy. */
  proxies: Proxies;
  logLevel: LogLevel;
  /** The user has no home folder and no setting names a state folder, so state stays in memory. */
  hasNoStateFolder: boolean;
  /** All secrets of this configuration; the logger redacts them. */
  secrets: string[];
}

/** The configuration that the settings give, and their errors. */
export interface Settings {
  /** Treats a wrong setting as unset. Callers must not start a command while a setting that it reads is wrong. */
  config: Config;
  problems: WrongSetting[];
  /** The name that the user knows: the title in a host's dialog, or the flag or variable that was set. */
  nameOf(setting: SettingName): string;
}

const HOSTED_BASE_URL = "https://api.parallel.ai";
const PACKAGED_DOCUMENTS = fileURLToPath(new URL("../examples/documents", import.meta.url));

/** Reads the configuration like {@link readSettings}. Throws {@link BadSetting} when a setting is wrong. */
export function readConfig(flags: Flags, env: NodeJS.ProcessEnv = process.env): Config {
  const { config, problems } = readSettings(flags, env);
  if (problems.length > 0) throw new BadSetting(problems);
  return config;
}

/**
 * Reads every setting: flags first, then the environment, then defaults. Removes space and quotation marks around a
 * value. Empty values, and fields that the user left empty in a host's dialog, count as unset.
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
  const embeddingUrl = parse(
    "embeddingUrl",
    BaseUrl,
    "an http or https URL without credentials, such as http://localhost:11434/v1",
  );
  const [model, embeddingKey] = [text("embeddingModel"), text("embeddingKey")];
  if ((embeddingUrl === undefined) !== (model === undefined)) {
    const isLacking = embeddingUrl === undefined ? "embeddingUrl" : "embeddingModel";
    reject(isLacking, `set ${nameOf(isLacking)} too`);
  }
  const engine: EngineConfig = {
    documents: folders.length > 0 ? folders.map(resolvePath) : [PACKAGED_DOCUMENTS],
    script: path("script"),
    executors: {
      "*": path("script") === undefined ? "extractive" : "scripted",
      ...parse(
        "executor",
        ExecutorChoice,
        `one of ${EXECUTORS.join(", ")}, or pro=host,ultra=host`,
      ),
    },
    embedding:
      embeddingUrl === undefined || model === undefined
        ? undefined
        : { url: embeddingUrl, model, apiKey: embeddingKey },
    databasePath: inState("engine.sqlite"),
    allowNetworks: splitList(text("allowNetworks")),
    webhookSecrets: splitList(text("webhookSecrets")),
    retentionDays: parse("retentionDays", Days, "a number of days, 1 or more"),
    strictOutput: parse("strictOutput", TrueOrFalse, "true or false") ?? false,
  };
  if (engine.script === undefined && Object.values(engine.executors).includes("scripted")) {
    reject("executor", `scripted needs a script; set ${nameOf("script")} too`);
  }
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
    // With a wrong base URL the key is for another server: never send it to the hosted API.
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
        // Another Task API may have its own processors.
        backend.kind === "custom" ? ProcessorName : KnownProcessor,
        `one of ${processorNames()}`,
      ),
      budgetUsdPerDay: parse("budgetUsd", Dollars, "a number of US dollars, such as 5 or 0.50"),
      pricesFile: path("prices"),
      waits: readWaits(
        parse("maxWaitSeconds", MaxWaitSeconds, "a number of seconds, 1 to 3600"),
        parse("waitCaps", WaitCaps, "names and seconds, such as cursor=240,codex=120"),
      ),
      ledgerPath: inState("ledger.sqlite"),
      catalogBackend: catalogBackendOf(backend, path("prices")),
    },
    engine,
    hasNoStateFolder: stateDir === undefined,
    serve: {
      host: address,
      port: port ?? 0,
      apiKey: engineApiKey,
      tenantsFile,
      profile: parse("profile", ApiProfile, PROFILES.join(" or ")) ?? "extended",
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
      embeddingKey,
      ...engine.webhookSecrets.map(withoutSecretPrefix),
      ...(telemetry?.secrets ?? []),
      ...proxySecrets,
    ].filter((secret) => secret !== undefined),
  };
  return { config, problems, nameOf };
}

/** The texts for the hosted API contain its prices, so a price list of the operator selects the texts without prices. */
function catalogBackendOf(
  backend: BackendConfig,
  pricesFile: string | undefined,
): BridgeConfig["catalogBackend"] {
  if (backend.kind === "embedded") {
    const { executors } = backend.engine;
    if (Object.values(executors).includes("host")) return "host";
    return executors["*"] === "scripted" ? "scripted" : "embedded";
  }
  return pricesFile === undefined ? backend.kind : "custom";
}

export function readMachine(env: NodeJS.ProcessEnv = process.env): Machine {
  // Lazy: homeFolder() throws for a user without a home folder, and many callers never read `home`.
  const home = { get: homeFolder, enumerable: true };
  return Object.defineProperty({ platform: process.platform, home: "", env }, "home", home);
}
