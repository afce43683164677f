import { closestMatch } from "leven";
import type { z } from "zod";
import type { Proxies, Proxy } from "./client/proxies.ts";
import { type Flags, type LogLevel, OPTIONS, type Setting, type SettingName } from "./options.ts";
import { cleanValue, parseProxy, proxySecrets } from "./setting-values.ts";

/** A setting with a value that cannot be used. */
export interface WrongSetting {
  setting: SettingName;
  /** Which setting it is, what was given unless that may be a secret, and what would be right. */
  message: string;
}

/** What the host that starts the program knows besides flags and the environment. */
export interface HostSettings {
  /** The titles of settings in the host's own dialog. */
  titles?: Partial<Record<string, string>>;
  /** Document folders as single arguments: their names may hold commas. */
  folders?: readonly string[];
  /** What is logged unless a setting says otherwise. */
  logLevel?: LogLevel;
}

export interface GivenSetting {
  value: string;
  /** The flag or the variable that set it. */
  origin: string;
}

export interface Reader {
  read(name: SettingName): GivenSetting | undefined;
  /** The value as `schema` reads it; undefined when it is unset, or wrong and now among the problems. */
  parse<Value>(name: SettingName, schema: z.ZodType<Value>, expected: string): Value | undefined;
  reject(setting: SettingName, problem: string): void;
  problems: WrongSetting[];
  nameOf(setting: SettingName): string;
}

/** Reads settings one by one: from a flag, else from the environment. */
export function createReader(
  flags: Flags,
  env: NodeJS.ProcessEnv,
  { titles = {}, folders = [] }: HostSettings,
): Reader {
  const problems: WrongSetting[] = [];
  const unfilled = new Set<SettingName>();

  function read(name: SettingName): GivenSetting | undefined {
    const given = readSetting(name, flags, env);
    if (given === undefined || !UNFILLED.test(given.value)) return given;
    // Once for each: some settings are read several times.
    if (!unfilled.has(name)) {
      unfilled.add(name);
      reject(
        name,
        `the client passed ${given.value} on as it stands in its configuration; write the value itself there`,
      );
    }
    return undefined;
  }

  function nameOf(name: SettingName): string {
    const title = titles[name];
    if (title !== undefined) return `"${title}"`;
    if (name === "documents" && folders.length > 0) return name;
    const { env: variable, flag = name }: Setting = OPTIONS[name];
    return readSetting(name, flags, env)?.origin ?? variable ?? flag;
  }

  function reject(setting: SettingName, problem: string): void {
    problems.push({ setting, message: wrongSettingText(nameOf(setting), problem) });
  }

  return {
    read,
    problems,
    nameOf,
    reject,
    parse(name, schema, expected) {
      const given = read(name);
      if (given === undefined) return undefined;
      const parsed = schema.safeParse(given.value);
      if (parsed.success) return parsed.data;
      const { isSecret = false }: Setting = OPTIONS[name];
      const shown = isSecret ? "its value is not shown here" : `it is ${shownValue(given.value)}`;
      const orNothing = titles[name] === undefined ? "" : ", or leave it empty";
      reject(name, `${shown}; write ${expected}${orNothing}`);
      return undefined;
    },
  };
}

/** The one sentence for a setting with a value that cannot be used. */
export function wrongSettingText(name: string, problem: string): string {
  return `The setting ${name} is wrong: ${problem.replace(/\.$/, "")}.`;
}

const SHOWN_CHARS = 60;

/** A value without what may be a key: keys are pasted into wrong fields, and into addresses. */
function shownValue(value: string): string {
  const withoutKeys = value
    .replace(/\/\/[^/@\s]*@/, "//…@")
    .replace(/\?.*$/s, "?…")
    .replaceAll(/(?=[\w+=-]*\d)(?=[\w+=-]*[a-z])[\w+=-]{16,}/gi, "…");
  return JSON.stringify(
    withoutKeys.length > SHOWN_CHARS ? `${withoutKeys.slice(0, SHOWN_CHARS)}…` : withoutKeys,
  );
}

function readSetting(
  name: SettingName,
  flags: Flags,
  env: NodeJS.ProcessEnv,
): GivenSetting | undefined {
  const option: Setting = OPTIONS[name];
  const [flag = name] = (option.flag ?? name).split(" ");
  for (const [given, origin] of [
    [flags[name], flag],
    ...variablesOf(option).map((variable) => [env[variable], variable] as const),
  ] as const) {
    const value = given === undefined ? "" : cleanValue(String(given));
    if (value !== "" && !isLeftEmpty(value)) return { value, origin };
  }
  return undefined;
}

/** A desktop host passes `${user_config.…}` on when the user left a field of its dialog empty. */
export function isLeftEmpty(value: string): boolean {
  return value.startsWith("${user_config.");
}

/** Other clients pass on the name of a variable that they did not know, or do not replace at all. */
const UNFILLED = /^(?:\$\{[^}]*\}|\$[a-z_]\w*|%\w+%)$/i;

function variablesOf({ env, isAlsoLowerCase }: Setting): string[] {
  if (env === undefined) return [];
  return isAlsoLowerCase === true ? [env.toLowerCase(), env] : [env];
}

const OUR_VARIABLE = /^TASK_RUN_MCP_/i;
const BACKEND_VARIABLE = /^PARALLEL_/i;
/** Of names that other programs may use too; a typing error is no farther away. */
const TYPING_DISTANCE = 3;

/** Variables that look like settings and are none, each with the setting that may have been meant. */
export function findUnknownVariables(
  env: NodeJS.ProcessEnv,
): { variable: string; nearest: string | undefined }[] {
  const known = Object.values<Setting>(OPTIONS).flatMap(({ env: name }) => name ?? []);
  const isKnown = (name: string) =>
    known.includes(process.platform === "win32" ? name.toUpperCase() : name);
  return Object.keys(env).flatMap((variable) => {
    if (isKnown(variable)) return [];
    const name = variable.toUpperCase();
    const ours = known.filter((one) => OUR_VARIABLE.test(one));
    if (OUR_VARIABLE.test(name)) return [{ variable, nearest: closestMatch(name, ours) }];
    if (!BACKEND_VARIABLE.test(name)) return [];
    const others = known.filter((one) => BACKEND_VARIABLE.test(one));
    const nearest = closestMatch(name, others, { maxDistance: TYPING_DISTANCE });
    return nearest === undefined ? [] : [{ variable, nearest }];
  });
}

/** Variables that a client does not hand on to the servers that it starts, and without which they reach nobody. */
const NETWORK_VARIABLES = [
  ...variablesOf(OPTIONS.httpsProxy),
  ...variablesOf(OPTIONS.httpProxy),
  ...variablesOf(OPTIONS.noProxy),
  // Read by Node itself, before any code of ours runs.
  "NODE_EXTRA_CA_CERTS",
  "NODE_USE_SYSTEM_CA",
];

/** What of the environment decides how a server reaches the network. */
export function readNetworkEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    NETWORK_VARIABLES.flatMap((name) => {
      const value = env[name]?.trim();
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
}

/** Proxies by the standard variables. One that cannot be used is a problem of the requests that would go through it. */
export function readProxies(read: (name: SettingName) => GivenSetting | undefined): {
  proxies: Proxies;
  secrets: string[];
} {
  const secrets: string[] = [];
  const readProxy = (name: SettingName): Proxy | undefined => {
    const given = read(name);
    if (given === undefined) return undefined;
    const proxy = parseProxy(given.value, given.origin);
    secrets.push(...proxySecrets(given.value, proxy));
    return proxy;
  };
  const http = readProxy("httpProxy");
  const https = readProxy("httpsProxy");
  const noProxy = (read("noProxy")?.value ?? "").split(/[\s,]+/).filter((entry) => entry !== "");
  return { proxies: { http, https, noProxy }, secrets };
}
