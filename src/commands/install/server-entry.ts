import type { BackendConfig, Machine } from "../../config.ts";
import {
  type Flags,
  OPTIONS,
  type Setting,
  type SettingName,
  settingNames,
} from "../../options.ts";
import type { ClientSpec } from "./clients.ts";

/** How a client starts the server: the part of its entry that `install` writes. */
export interface ServerEntry {
  type?: "stdio";
  command: string;
  args: string[];
  env?: Record<string, string>;
}

/** The program that runs now. */
export interface RunningProgram {
  /** Absolute, with links resolved. */
  nodePath: string;
  cliPath: string;
}

/** Settings that are paths: a client starts its servers in whatever folder it likes. */
const PATH_SETTINGS: ReadonlySet<SettingName> = new Set([
  "documents",
  "script",
  "stateDir",
  "prices",
]);

/**
 * The entry that starts the program as it was started now, with the given settings in its environment. An installed
 * package, also one in npx's cache, is asked for by its name: the folder it is in now may be gone tomorrow.
 */
export function createServerEntry(
  { type }: Pick<ClientSpec, "type">,
  env: Record<string, string>,
  program: RunningProgram,
  { platform }: Pick<Machine, "platform">,
): ServerEntry {
  return {
    ...(type !== undefined && { type }),
    ...commandLine(program, platform),
    ...(Object.keys(env).length > 0 && { env }),
  };
}

function commandLine(
  { nodePath, cliPath }: RunningProgram,
  platform: NodeJS.Platform,
): Pick<ServerEntry, "command" | "args"> {
  if (!isInstalledPackage(cliPath)) return { command: nodePath, args: [cliPath] };
  const npx = ["npx", "-y", "task-run-mcp"];
  // On Windows npx is a batch file, which clients cannot start by themselves.
  return platform === "win32"
    ? { command: "cmd", args: ["/c", ...npx] }
    : { command: "npx", args: npx.slice(1) };
}

function isInstalledPackage(cliPath: string): boolean {
  return /[\\/]node_modules[\\/]task-run-mcp[\\/]/.test(cliPath);
}

/** The settings of the command line as environment variables; paths become absolute. */
export function settingsEnv(
  flags: Flags,
  resolvePath: (path: string) => string,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const setting of settingNames) {
    const { env: variable }: Setting = OPTIONS[setting];
    const value = flags[setting];
    if (variable === undefined || value === undefined) continue;
    env[variable] = PATH_SETTINGS.has(setting)
      ? resolveEach(String(value), resolvePath)
      : String(value);
  }
  return env;
}

/**
 * The account of the backend, for a user who wants the key in the client's file. With a key goes the address it is for:
 * the key of one server must not be sent to another.
 */
export function accountEnv(backend: BackendConfig): Record<string, string> {
  if (backend.kind === "embedded" || backend.apiKey === undefined) return {};
  return {
    PARALLEL_API_KEY: backend.apiKey,
    ...(backend.kind === "custom" && { PARALLEL_BASE_URL: backend.baseUrl }),
  };
}

/** One path, or several separated by commas. */
function resolveEach(value: string, resolvePath: (path: string) => string): string {
  return value
    .split(",")
    .map((path) => resolvePath(path.trim()))
    .join(",");
}
