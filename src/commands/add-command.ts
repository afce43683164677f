import type { Argument, Command, Option } from "commander";
import type { Logger } from "pino";
import { type Config, type Settings, readSettings } from "../config.ts";
import { type Flags, OPTIONS, type Setting, type SettingName } from "../options.ts";
import { BadSetting, type HostSettings } from "../settings/setting-reader.ts";
import { ExitCode } from "./exit-code.ts";

/** One command of the program. `Own` are its options that are no settings. */
export interface CommandSpec<Own extends object> {
  name: string;
  description: string;
  arguments?: readonly Argument[];
  options?: readonly Option[];
  /** The settings that it reads. */
  settings?: readonly SettingName[];
  examples?: readonly string[];
  /** The end of its help. */
  notes?: string;
  /** A server logs what it does, and works on when its stderr is closed. */
  isServer?: boolean;
  /** The message after Ctrl-C. Without it, `run` handles an interrupt itself. */
  interrupted?: string;
  /** Imports the command's code: starting one command must not load the others. */
  run(call: CommandCall<Own>): Promise<ExitCode>;
}

/** One use of a command. */
export interface CommandCall<Own extends object> {
  operands: readonly string[];
  options: Own & Flags;
  /** Reads the command's settings. The caller handles the wrong ones. */
  read(flags: Flags, options?: ReadOptions): ReadContext;
  /** The same with an open log. Throws {@link BadSetting}. */
  prepare(flags: Flags, options?: ReadOptions): Promise<CommandContext>;
}

interface ReadOptions extends Pick<HostSettings, "folders"> {
  /** The settings whose errors are reported, if they differ from the command's. */
  names?: readonly SettingName[];
  /** The time that the command itself takes to shut down. */
  shutdownSeconds?: (config: Config) => number;
}

interface BaseContext {
  config: Config;
  version: string;
  /** Aborts at the first SIGINT or SIGTERM. */
  signal: AbortSignal;
}

export interface ReadContext extends BaseContext {
  wrongSettings: Settings["problems"];
  nameOf: Settings["nameOf"];
  openLog(): Promise<Logger>;
}

export interface CommandContext extends BaseContext {
  log: Logger;
}

/** The services that the program provides to its commands. */
export interface CommandHost {
  version: string;
  /** Titles of the settings in a host's dialog. */
  titles: HostSettings["titles"];
  /** Output streams whose closing does not end the process. */
  optionalOutputs: Set<object>;
  /** Aborts at SIGINT or SIGTERM. Then the process has a fixed time, and `extraSeconds`, to end. */
  abortOnSignals(extraSeconds: number): AbortSignal;
}

/** Adds a command with its help. The exit code of the process is what `run` returns. */
export function addCommand<Own extends object>(
  program: Command,
  host: CommandHost,
  spec: CommandSpec<Own>,
): void {
  const { settings = [], examples = [], notes } = spec;
  const command = program.command(spec.name).description(spec.description);
  for (const argument of spec.arguments ?? []) command.addArgument(argument);
  for (const option of spec.options ?? []) command.addOption(option);
  addSettings(command, settings);
  if (examples.length > 0) {
    const lines = examples.map((line) => `  $ task-run-mcp ${line}`);
    command.addHelpText("after", ["", "Examples:", ...lines].join("\n"));
  }
  if (notes !== undefined) command.addHelpText("after", `\n${notes}`);
  command.action(async () => {
    if (spec.isServer) host.optionalOutputs.add(process.stderr);
    process.exitCode = await runUntilSignal(command, host, spec);
  });
}

async function runUntilSignal<Own extends object>(
  command: Command,
  host: CommandHost,
  { settings = [], isServer = false, interrupted, run }: CommandSpec<Own>,
): Promise<ExitCode> {
  let signal: AbortSignal | undefined;

  function read(
    flags: Flags,
    { folders = [], names = settings, shutdownSeconds = () => 0 }: ReadOptions = {},
  ): ReadContext {
    const { config, problems, nameOf } = readSettings(flags, undefined, {
      titles: host.titles ?? {},
      folders,
      logLevel: isServer ? "info" : "warn",
    });
    signal = host.abortOnSignals(shutdownSeconds(config));
    return {
      config,
      wrongSettings: problems.filter(({ setting }) => names.includes(setting)),
      nameOf,
      version: host.version,
      signal,
      openLog: () => openLog(config),
    };
  }

  async function prepare(flags: Flags, options?: ReadOptions): Promise<CommandContext> {
    const { wrongSettings, nameOf: _nameOf, openLog: open, ...context } = read(flags, options);
    const log = await open();
    if (wrongSettings.length > 0) throw new BadSetting(wrongSettings);
    return { ...context, log };
  }

  try {
    const options = command.optsWithGlobals<Own & Flags>();
    return await run({ operands: command.args, options, read, prepare });
  } catch (error) {
    if (interrupted === undefined || !signal?.aborted) throw error;
    process.stderr.write(`${interrupted}\n`);
    return ExitCode.interrupted;
  }
}

async function openLog({ logLevel, secrets, hasNoStateFolder }: Config): Promise<Logger> {
  const { createLogger } = await import("../logger.ts");
  const log = createLogger({ level: logLevel, secrets });
  if (hasNoStateFolder) {
    log.warn(
      "runs are kept in memory: this user has no home folder; set TASK_RUN_MCP_STATE_DIR or HOME",
    );
  }
  return log;
}

/** Adds the flags of settings, and names at the end of the help the settings that only the environment has. */
function addSettings(command: Command, names: readonly SettingName[]): void {
  const variables: string[] = [];
  for (const name of names) {
    const { flag, env, meaning, default: byDefault }: Setting = OPTIONS[name];
    const origin = env === undefined ? "" : `env ${env}, `;
    if (flag === undefined) variables.push(`  ${env}\n      ${meaning} (default: ${byDefault})`);
    else command.option(flag, `${meaning} (${origin}default: ${byDefault})`);
  }
  if (variables.length === 0) return;
  command.addHelpText("after", ["\nEnvironment only:", ...variables].join("\n"));
}
