import type { Command } from "commander";
import type { Logger } from "pino";
import { type Config, type Settings, readMachine } from "../../../config.ts";
import { resolvePath } from "../../../settings/folders.ts";
import type { Flags, SettingName } from "../../../options.ts";
import { COMMAND_SETTINGS, addOptions, examples } from "../../command-options.ts";
import { UsageError } from "../../../runtime/usage-error.ts";
import { CLIENT_IDS, type ClientId } from "./clients.ts";
import { isLoopback } from "../../wiring/loopback.ts";
import { unlessInterrupted } from "../../terminal/run-until-signal.ts";

/** What a command needs. */
export interface Prepared {
  config: Config;
  log: Logger;
  version: string;
  signal: AbortSignal;
}

/** What the commands get from the program that they are part of. */
export interface Host {
  /** `names` are the settings of the command. Throws `BadSetting`. */
  prepare(flags: Flags, names: readonly SettingName[]): Promise<Prepared>;
  /** The same for a command that reports wrong settings itself. */
  prepareAnyway(
    flags: Flags,
    names: readonly SettingName[],
  ): Promise<Prepared & Pick<Settings, "nameOf"> & { wrongSettings: Settings["problems"] }>;
  /** Of the file that runs. */
  cliPath: string;
}

interface InstallFlags extends Flags {
  name: string;
  url?: string;
  token?: string;
  remove?: boolean;
  print?: boolean;
  yes?: boolean;
  copyKey?: boolean;
}

/** `install`, which also lists the clients that are here. */
export function registerInstall(program: Command, host: Host): void {
  const command = program
    .command("install")
    .description("put this server into a client's configuration; shows the change and asks first")
    .addArgument(
      program
        .createArgument("[client]", "the client; without one, those on this machine are listed")
        .choices(CLIENT_IDS),
    )
    .option("--print", "print what would be written, and write nothing")
    .addOption(program.createOption("--remove", "take the server out").conflicts("print"))
    .option("--yes", "do not ask")
    .option("--name <name>", "the server's name in the client", "task-run")
    .option("--url <url>", "a server that runs already, as `task-run-mcp http` prints it")
    .option(
      "--token <token>",
      "what the server at --url wants from its callers (default: TASK_RUN_MCP_HTTP_TOKEN)",
    )
    .addOption(
      program
        .createOption("--copy-key", "write PARALLEL_API_KEY into the client's file")
        .conflicts(["print", "remove", "url"]),
    );
  addOptions(command, COMMAND_SETTINGS.stdio)
    .addHelpText(
      "after",
      examples(
        "install",
        "install claude-desktop --documents ~/notes",
        "install codex --print",
        "install cursor --copy-key --budget-usd 5 --yes",
        "install claude-code --url https://mcp.example.com/mcp",
      ),
    )
    .action(async (client: ClientId | undefined, _flags: InstallFlags, self: Command) => {
      await changeClient(client, self.optsWithGlobals<InstallFlags>(), host);
    });
}

/** `uninstall`: the same, the other way round. */
export function registerUninstall(program: Command, host: Host): void {
  program
    .command("uninstall")
    .description(
      "take this server out of a client's configuration; shows the change and asks first",
    )
    .addArgument(
      program
        .createArgument("[client]", "the client; without one, those that have it are listed")
        .choices(CLIENT_IDS),
    )
    .option("--yes", "do not ask")
    .option("--name <name>", "the server's name in the client", "task-run")
    .option("--url <url>", "of a server under another name, the URL it was installed with")
    .addHelpText("after", examples("uninstall", "uninstall cursor", "uninstall vscode --yes"))
    .action(async (client: ClientId | undefined, _flags: InstallFlags, self: Command) => {
      await changeClient(client, { ...self.optsWithGlobals<InstallFlags>(), remove: true }, host);
    });
}

async function changeClient(
  client: ClientId | undefined,
  { name, url, token, remove, print, yes, copyKey, ...flags }: InstallFlags,
  { prepare, prepareAnyway, cliPath }: Host,
): Promise<void> {
  const [{ installCommand, listClientsCommand }, entries] = await Promise.all([
    import("./install.ts"),
    import("./server-entry.ts"),
  ]);
  // What is wrong with this server's settings does not matter where it is taken out, or where clients are only listed.
  const isChange = client !== undefined && remove !== true;
  const { config, signal } = await (isChange ? prepare : prepareAnyway)(
    flags,
    COMMAND_SETTINGS.stdio,
  );
  const machine = readMachine();
  const program = { nodePath: process.execPath, cliPath };
  const settings = entries.settingsEnv(flags, resolvePath);
  if (url !== undefined) refuseWithUrl(url, settings);
  if (url === undefined && token !== undefined) {
    throw new UsageError("--token is for a server at --url; add it.");
  }
  const remote =
    url === undefined
      ? undefined
      : { url, token: token ?? (remove ? undefined : config.http.token) };
  const network = entries.networkEnv(machine.env, resolvePath);
  const account = copyKey ? entries.accountEnv(config.backend) : {};
  const hasNetwork = Object.keys(network).length > 0;
  process.exitCode = await unlessInterrupted(
    { signal, stderr: process.stderr, message: "Interrupted." },
    () =>
      client === undefined
        ? listClientsCommand({
            action: remove ? "uninstall" : "install",
            program,
            machine,
            stdout: process.stdout,
          })
        : installCommand({
            client,
            name,
            action: print ? "print" : remove ? "remove" : "install",
            isConfirmed: yes ?? false,
            env: { ...network, ...settings, ...account },
            remote,
            notes: remove
              ? []
              : remote === undefined
                ? [
                    ...(copyKey ? [] : notesOf(config.backend)),
                    ...(hasNetwork ? [NETWORK_NOTE] : []),
                  ]
                : remoteNotes(remote, print ?? false),
            secrets: [...config.secrets, ...(token === undefined ? [] : [token])],
            program,
            machine,
            now: new Date(),
            signal,
            terminal: process,
            stderr: process.stderr,
          }),
  );
}

const NETWORK_NOTE =
  "Proxy and certificate variables of this terminal are written too, with any password in them: clients do not hand them on.";

/** Throws {@link UsageError} when the URL is none, or comes with settings that only a server of one's own has. */
function refuseWithUrl(url: string, settings: Record<string, string>): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UsageError("--url: write an http or https URL, such as http://127.0.0.1:3000/mcp.");
  }
  const { username, password } = new URL(url);
  if (username !== "" || password !== "") {
    throw new UsageError("--url: leave user name and password out; --token is for what is secret.");
  }
  const [first] = Object.keys(settings);
  if (first !== undefined) {
    throw new UsageError(
      `The server at --url has settings of its own: leave out the option for ${first}.`,
    );
  }
}

function remoteNotes(
  { url, token }: { url: string; token: string | undefined },
  isPrinted: boolean,
): string[] {
  if (token === undefined)
    return ["No token is written: --token or TASK_RUN_MCP_HTTP_TOKEN sets one."];
  const { protocol, hostname } = new URL(url);
  return [
    ...(isPrinted ? ["Put the token in the place of [redacted]."] : []),
    ...(protocol === "http:" && !isLoopback(hostname)
      ? ["The token is sent in the clear to an http address; use https."]
      : []),
  ];
}

/** What is set in this terminal and will not be set in the client. */
function notesOf(backend: Config["backend"]): string[] {
  if (backend.kind === "embedded") return [];
  const key =
    "PARALLEL_API_KEY is set here and is not written. With --copy-key it is; without, set it in the client yourself.";
  const url = "PARALLEL_BASE_URL is set here and is not written; set it in the client yourself.";
  return [
    ...(backend.apiKey === undefined ? [] : [key]),
    ...(backend.kind === "custom" ? [url] : []),
  ];
}
