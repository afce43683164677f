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

/** A setting with a value that cannot be used. */
export interface WrongSetting {
  setting: SettingName;
  /** Which setting it is, what was given unless that may be a secret, and what would be right. */
  message: string;
}

/** Settings have values that cannot be used; the message names all of them. */
export class BadSetting extends UsageError {
  override readonly name = "BadSetting";

  constructor(problems: readonly WrongSetting[]) {
    super(problems.map(({ message }) => message).join("\n"));
  }
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

interface GivenSetting {
  value: string;
  /** The flag or the variable that set it. */
  origin: string;
}

/** Reads settings one by one, and remembers which are wrong. */
export interface SettingReader {
  read(name: SettingName): GivenSetting | undefined;
  /** The value as `schema` reads it; undefined when it is unset, or wrong and now among the problems. */
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
    const value = given === undefined ? "" : cleanSetting(String(given));
    if (value !== "" && !isLeftEmpty(value)) return { value, origin };
  }
  return undefined;
}

/** A desktop host passes `${user_config.…}` on when the user left a field of its dialog empty. */
function isLeftEmpty(value: string): boolean {
  return value.startsWith("${user_config.");
}

/** Other clients pass on the name of a variable that they did not know, or do not replace at all. */
const UNFILLED = /^(?:\$\{[^}]*\}|\$[a-z_]\w*|%\w+%)$/i;

/**
 * The folders that are given as single arguments, else those of a list; none when neither has any. A comma separates
 * folders of a list, except in the name of one that exists.
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
