import { existsSync } from "node:fs";
import type { z } from "zod";
import {
  type Flags,
  type LogLevel,
  OPTIONS,
  type Setting,
  type SettingName,
  variablesOf,
} from "../options.ts";
import { cleanSetting, splitList } from "./setting-values.ts";
import { UsageError } from "../runtime/usage-error.ts";

/** A setting with an invalid value. */
export interface WrongSetting {
  setting: SettingName;
  /** Names the setting, the given value unless it may be a secret, and a correct value. */
  message: string;
}

/** One or more settings are wrong. The message names all of them, one per line. */
export class BadSetting extends UsageError {
  override readonly name = "BadSetting";

  constructor(problems: readonly WrongSetting[]) {
    super(problems.map(({ message }) => message).join("\n"));
  }
}

/** Settings that a host such as Claude Desktop passes besides flags and environment. */
export interface HostSettings {
  /** Titles of settings in the host's dialog, by setting. */
  titles?: Partial<Record<string, string>>;
  /** Document folders as separate arguments, because a folder's name may contain a comma. */
  folders?: readonly string[];
  /** Default log level. */
  logLevel?: LogLevel;
}

interface GivenSetting {
  value: string;
  /** The flag or variable that set the value. */
  origin: string;
}

/** Reads single settings and collects the wrong ones in `problems`. */
export interface SettingReader {
  read(name: SettingName): GivenSetting | undefined;
  /** Parses the value with `schema`. Returns undefined when it is unset, or wrong (then it is added to `problems`). */
  parse<Value>(name: SettingName, schema: z.ZodType<Value>, expected: string): Value | undefined;
  reject(setting: SettingName, problem: string): void;
  problems: WrongSetting[];
  nameOf(setting: SettingName): string;
}

export function createSettingReader(
  flags: Flags,
  env: NodeJS.ProcessEnv,
  { titles = {}, folders = [] }: HostSettings,
): SettingReader {
  const problems: WrongSetting[] = [];
  const unfilled = new Set<SettingName>();

  function read(name: SettingName): GivenSetting | undefined {
    const given = readSetting(name, flags, env);
    if (given === undefined || !UNFILLED.test(given.value)) return given;
    // Some settings are read several times; report each once.
    if (!unfilled.has(name)) {
      unfilled.add(name);
      reject(
        name,
        `the client passed ${given.value} without replacing it; write the value itself in the client's configuration`,
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

/** The sentence that reports a wrong setting. */
export function wrongSettingText(name: string, problem: string): string {
  return `The setting ${name} is wrong: ${problem.replace(/\.$/, "")}.`;
}

const SHOWN_CHARS = 60;

/** Removes what may be a key: people paste keys into wrong fields and into URLs. */
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
    const value = given === undefined ? "" : cleanSetting(String(given));
    if (value !== "" && !isLeftEmpty(value)) return { value, origin };
  }
  return undefined;
}

/** Claude Desktop passes `${user_config.…}` unreplaced when the user left that field of the dialog empty. */
function isLeftEmpty(value: string): boolean {
  return value.startsWith("${user_config.");
}

/** Some clients pass the placeholder of an unknown variable, or replace no placeholder at all. */
const UNFILLED = /^(?:\$\{[^}]*\}|\$[a-z_]\w*|%\w+%)$/i;

/**
 * Returns the folders given as single arguments, else those of the comma-separated list. A list that is the path of an
 * existing folder is one folder, because a name may contain a comma.
 */
export function readFolders(
  single: readonly string[] = [],
  list: string | undefined,
  resolvePath: (path: string) => string,
): string[] {
  const given = single.map(cleanSetting).filter((folder) => folder !== "" && !isLeftEmpty(folder));
  if (given.length > 0) return given;
  return list?.includes(",") && existsSync(resolvePath(list)) ? [list] : splitList(list);
}
