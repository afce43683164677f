import { type Config, readMachine } from "../../../config.ts";
import { isLoopback } from "../../../settings/http-settings.ts";
import { resolvePath } from "../../../settings/folders.ts";
import { UsageError } from "../../../runtime/usage-error.ts";
import type { CommandCall } from "../../add-command.ts";
import type { ExitCode } from "../../exit-code.ts";
import { CLIENT_IDS } from "./clients.ts";
import { installCommand, listClientsCommand } from "./install.ts";
import { type RunningProgram, accountEnv, networkEnv, settingsEnv } from "./server-entry.ts";

export interface InstallFlags {
  name: string;
  url?: string;
  token?: string;
  remove?: boolean;
  print?: boolean;
  yes?: boolean;
  copyKey?: boolean;
}

/** `task-run-mcp install` and `uninstall` from the command line. Without a client, they list the clients found here. */
export async function changeClient(
  { operands, options, read, prepare }: CommandCall<InstallFlags>,
  program: RunningProgram,
): Promise<ExitCode> {
  const client = CLIENT_IDS.find((id) => id === operands[0]);
  const { name, url, token, remove, print, yes, copyKey, ...flags } = options;
  // Wrong settings of this server do not matter when it is removed, or when clients are only listed.
  const isChange = client !== undefined && remove !== true;
  const { config, signal } = isChange ? await prepare(flags) : read(flags);
  const machine = readMachine();
  const settings = settingsEnv(flags, resolvePath);
  if (url !== undefined) checkRemote(url, settings);
  if (url === undefined && token !== undefined) {
    throw new UsageError("--token is for a server at --url; add it.");
  }
  const { stdout, stderr } = process;
  if (client === undefined) {
    const action = remove ? "uninstall" : "install";
    return listClientsCommand({ action, program, machine, stdout });
  }
  const remote =
    url === undefined
      ? undefined
      : { url, token: token ?? (remove ? undefined : config.http.token) };
  const network = networkEnv(machine.env, resolvePath);
  const account = copyKey ? accountEnv(config.backend) : {};
  const localNotes = () => [
    ...(copyKey ? [] : accountNotes(config.backend)),
    ...(Object.keys(network).length > 0 ? [NETWORK_NOTE] : []),
  ];
  return installCommand({
    client,
    name,
    action: print ? "print" : remove ? "remove" : "install",
    isConfirmed: yes ?? false,
    env: { ...network, ...settings, ...account },
    remote,
    notes: remove ? [] : remote ? remoteNotes(remote, print ?? false) : localNotes(),
    secrets: [...config.secrets, ...(token === undefined ? [] : [token])],
    program,
    machine,
    now: new Date(),
    signal,
    terminal: process,
    stderr,
  });
}

const NETWORK_NOTE =
  "Proxy and certificate variables of this terminal are written too, with any password in them: clients do not pass them on.";

/** Throws {@link UsageError} when the URL is invalid, or when there are settings that only a started server has. */
function checkRemote(url: string, settings: Record<string, string>): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UsageError("--url: write an http or https URL, such as http://127.0.0.1:3000/mcp.");
  }
  const { username, password } = new URL(url);
  if (username !== "" || password !== "") {
    throw new UsageError("--url: leave user name and password out; --token is for secrets.");
  }
  const [first] = Object.keys(settings);
  if (first !== undefined) {
    throw new UsageError(
      `The server at --url has its own settings: leave out the option for ${first}.`,
    );
  }
}

function remoteNotes(
  { url, token }: { url: string; token: string | undefined },
  isPrinted: boolean,
): string[] {
  if (token === undefined)
    return ["No token is written: set one with --token or TASK_RUN_MCP_HTTP_TOKEN."];
  const { protocol, hostname } = new URL(url);
  return [
    ...(isPrinted ? ["Replace [redacted] with the token."] : []),
    ...(protocol === "http:" && !isLoopback(hostname)
      ? ["The token is sent unencrypted to an http address; use https."]
      : []),
  ];
}

/** Names the account settings of this terminal that the client will not have. */
function accountNotes(backend: Config["backend"]): string[] {
  if (backend.kind === "embedded") return [];
  const key =
    "PARALLEL_API_KEY is set here and is not written. Add --copy-key, or set it in the client yourself.";
  const url = "PARALLEL_BASE_URL is set here and is not written; set it in the client yourself.";
  return [
    ...(backend.apiKey === undefined ? [] : [key]),
    ...(backend.kind === "custom" ? [url] : []),
  ];
}
