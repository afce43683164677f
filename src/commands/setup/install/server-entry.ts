import type { BackendConfig } from "../../../config.ts";
import type { Machine } from "../../../settings/folders.ts";
import { z } from "zod";
import {
  type Flags,
  OPTIONS,
  type Setting,
  type SettingName,
  settingNames,
} from "../../../options.ts";
import { readNetworkEnv } from "../../../settings/proxy-settings.ts";
import type { LocalServer, RemoteServer } from "./clients.ts";
import { type ConfigObject, urlOf } from "./merge-entry.ts";

/** The running program. */
export interface RunningProgram {
  /** Absolute, with links resolved. */
  nodePath: string;
  cliPath: string;
}

/** Settings that must become absolute paths, because a client starts its servers in any folder. */
const PATH_SETTINGS: ReadonlySet<SettingName> = new Set([
  "documents",
  "script",
  "stateDir",
  "prices",
]);

/**
 * The command that starts this program, with the given settings in its environment. An installed package is started by
 * name with npx, because npx may remove its cached folder.
 */
export function createLocalServer(
  env: Record<string, string>,
  program: RunningProgram,
  { platform }: Pick<Machine, "platform">,
): LocalServer {
  return { ...commandLine(program, platform), env };
}

/** A server at a URL, with its bearer token. */
export function createRemoteServer(url: string, token: string | undefined): RemoteServer {
  return { url, headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } };
}

function commandLine(
  { nodePath, cliPath }: RunningProgram,
  platform: NodeJS.Platform,
): Pick<LocalServer, "command" | "args"> {
  if (!isInstalledPackage(cliPath)) return { command: nodePath, args: [cliPath] };
  const npx = ["npx", "-y", "task-run-mcp"];
  // On Windows npx is a batch file, which only cmd can start.
  return platform === "win32"
    ? { command: "cmd", args: ["/c", ...npx] }
    : { command: "npx", args: npx.slice(1) };
}

function isInstalledPackage(cliPath: string): boolean {
  return /[\\/]node_modules[\\/]task-run-mcp[\\/]/.test(cliPath);
}

/** A path, which Node resolves against the folder that it is started in. */
const CERTIFICATE_FILE = "NODE_EXTRA_CA_CERTS";

/** The network variables of this terminal: clients do not pass them on to the servers they start. */
export function networkEnv(
  env: NodeJS.ProcessEnv,
  resolvePath: (path: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(readNetworkEnv(env)).map(([name, value]) => [
      name,
      name === CERTIFICATE_FILE ? resolvePath(value) : value,
    ]),
  );
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

/** The key of the backend, with the base URL it belongs to: it must not be sent to another server. */
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

/** The entry of a server that the client starts, in the form of any client. */
const LocalEntry = z
  .object({
    command: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
    cmd: z.string().optional(),
    args: z.array(z.string()).default([]),
    env: z.record(z.string(), z.string()).optional(),
    envs: z.record(z.string(), z.string()).optional(),
    environment: z.record(z.string(), z.string()).optional(),
  })
  .transform(({ command, cmd, args, env, envs, environment }) => {
    const line = [...[command ?? cmd ?? []].flat(), ...args];
    return { line, env: { ...env, ...envs, ...environment } };
  });

export interface StartedEntry {
  /** The command and its arguments. */
  line: string[];
  env: Record<string, string>;
}

/** The command of an entry in any client's form; null when it has none. */
export function readStartedEntry(entry: ConfigObject): StartedEntry | null {
  const parsed = LocalEntry.safeParse(entry);
  return parsed.success && parsed.data.line.length > 0 ? parsed.data : null;
}

/** Whether an entry starts this program, or has the given URL. */
export function isOurEntry(
  entry: ConfigObject,
  { cliPath }: RunningProgram,
  url?: string,
): boolean {
  if (url !== undefined && urlOf(entry) === url) return true;
  const line = readStartedEntry(entry)?.line ?? [];
  return line.some((part) => part === cliPath || /(?:^|[\\/])task-run-mcp(?:$|[@\\/])/.test(part));
}
