#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { z } from "zod";
import { COMMAND_SETTINGS, addOptions } from "./commands/command-options.ts";
import { ExitCode, exitCodeOf } from "./commands/exit-code.ts";
import { FILES_REPLACED, filesWereReplaced } from "./mcp/replaced-files.ts";
import { type Config, readSettings } from "./config.ts";
import { type Flags, OPTIONS, type Setting, type SettingName } from "./options.ts";
import { BadSetting, type HostSettings } from "./settings/setting-reader.ts";
import { PROCESSORS } from "./task-api/processors.ts";
import { cleanText } from "./text/clean-text.ts";

/** A process that was told to end and has not done so after this time ends anyway. */
const DRAIN_MS = 10_000;

/** A person reads this terminal: the log stays quiet unless it is asked for. */
const FOR_PERSON = { logLevel: "warn" } as const;

/** A desktop bundle names the settings as its dialog does. */
const { version, settingTitles: titles = {} } = z
  .object({ version: z.string(), settingTitles: z.record(z.string(), z.string()).optional() })
  .parse(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")));

/** Streams whose readers may go without an end of this process: those of a server that does not live by them. */
const dispensable = new Set<object>();

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (dispensable.has(stream)) return;
    // Who read has had enough, as in `runs | head`.
    if (error.code === "EPIPE") process.exit(ExitCode.done);
    if (stream !== process.stdout) return;
    process.stderr.write(`task-run-mcp: the output cannot be written: ${error.message}\n`);
    process.exit(ExitCode.failed);
  });
}

/** The process is about to end by itself; see to it that it does. */
function limitDrain(drainMs = DRAIN_MS): void {
  setTimeout(() => process.exit(ExitCode.interrupted), drainMs).unref();
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. */
function abortOnSignals(drainMs: number): AbortSignal {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted);
    controller.abort();
    limitDrain(drainMs);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller.signal;
}

/**
 * What every command needs. Of the wrong settings, those of the command. `drainSeconds`: what it takes by itself to end,
 * before the backend closes.
 */
function read(
  flags: Flags,
  names: readonly SettingName[],
  {
    drainSeconds = () => 0,
    ...host
  }: { drainSeconds?: (config: Config) => number } & Omit<HostSettings, "titles"> = {},
) {
  const { config, problems, nameOf } = readSettings(flags, undefined, { titles, ...host });
  const openLog = async () => {
    const { createLogger } = await import("./logger.ts");
    const log = createLogger({ level: config.logLevel, secrets: config.secrets });
    if (config.isHomeless) {
      log.warn(
        "runs are kept in memory: this user has no home folder; set TASK_RUN_MCP_STATE_DIR or HOME",
      );
    }
    return log;
  };
  const signal = abortOnSignals(DRAIN_MS + drainSeconds(config) * 1_000);
  const wrongSettings = problems.filter(({ setting }) => names.includes(setting));
  return { config, wrongSettings, nameOf, version, signal, openLog };
}

/** {@link read} for commands that report wrong settings themselves. */
async function prepareAnyway(...args: Parameters<typeof read>) {
  const { openLog, ...context } = read(...args);
  return { ...context, log: await openLog() };
}

/** Throws {@link BadSetting}. */
async function prepare(...args: Parameters<typeof read>) {
  const { wrongSettings, nameOf: _nameOf, ...context } = await prepareAnyway(...args);
  if (wrongSettings.length > 0) throw new BadSetting(wrongSettings);
  return context;
}

const program = new Command("task-run-mcp")
  .description(
    "An MCP server that starts research task runs for AI agents, reports their progress, and returns cited answers.",
  )
  .version(version)
  .enablePositionalOptions()
  .helpCommand(false)
  .showHelpAfterError("(task-run-mcp --help lists commands and options)")
  .addHelpText(
    "after",
    "\nWithout a command it is `stdio`, unless it is started on a terminal.\n`task-run-mcp help <command>` lists the settings of a command: each is an option, such as --documents, and a variable,\nsuch as TASK_RUN_MCP_DOCUMENTS.",
  )
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? ExitCode.done : ExitCode.usage);
  });
// Options may stand before the command; its own help lists them.
for (const name of COMMAND_SETTINGS.stdio) {
  const { flag }: Setting = OPTIONS[name];
  if (flag !== undefined) program.addOption(new Option(flag).hideHelp());
}

addOptions(
  program
    .command("stdio")
    .description("serve MCP over stdin and stdout, as a client starts it; the default command")
    .argument("[folder...]", "folders of documents, in place of --documents"),
  COMMAND_SETTINGS.stdio,
).action(async (folders: string[], _flags: Flags, command: Command) => {
  // The transport ends with its output, and the log does without a reader.
  dispensable.add(process.stdout).add(process.stderr);
  const { stdioCommand } = await import("./commands/serve/stdio.ts");
  const flags = command.optsWithGlobals<Flags>();
  const { config, ...context } = read(flags, COMMAND_SETTINGS.stdio, { folders });
  if (process.stdin.isTTY) {
    process.stderr.write(
      "Serving MCP: JSON-RPC messages, one a line, are read here. Ctrl-D ends it.\n",
    );
  }
  process.exitCode = await stdioCommand({
    ...context,
    backend: config.backend,
    bridge: config.bridge,
    telemetry: config.telemetry,
    input: process.stdin,
    output: process.stdout,
    onDisconnected: limitDrain,
  });
});

addOptions(
  program.command("http").description("serve MCP over HTTP to many agents; prints its URL"),
  COMMAND_SETTINGS.http,
).action(async (_flags: Flags, command: Command) => {
  dispensable.add(process.stderr);
  const { httpCommand } = await import("./commands/serve/http.ts");
  const { config, ...context } = await prepare(
    command.optsWithGlobals<Flags>(),
    COMMAND_SETTINGS.http,
    { drainSeconds: ({ http }) => http.drainSeconds },
  );
  process.exitCode = await httpCommand({
    ...context,
    backend: config.backend,
    bridge: config.bridge,
    http: config.http,
    telemetry: config.telemetry,
    proxies: config.proxies,
    onHangUp: (listener) => process.on("SIGHUP", listener),
    stdout: process.stdout,
  });
});

addOptions(
  program
    .command("engine")
    .description("serve the built-in engine's Task API over HTTP; prints its base URL"),
  COMMAND_SETTINGS.engine,
).action(async (_flags: Flags, command: Command) => {
  dispensable.add(process.stderr);
  const { engineCommand } = await import("./commands/serve/engine.ts");
  // On this command `--api-key` is the key that callers must send, not one that we send.
  const { apiKey: engineApiKey, ...flags } = command.optsWithGlobals<Flags>();
  const { config, ...context } = await prepare(
    { ...flags, ...(engineApiKey && { engineApiKey }) },
    COMMAND_SETTINGS.engine,
  );
  process.exitCode = await engineCommand({
    ...context,
    config: config.engine,
    serve: config.serve,
    stdout: process.stdout,
  });
});

program
  .command("hash-key")
  .description("print the hash of a key, for a tenants file; reads the key from stdin")
  .action(async () => {
    const { hashKeyCommand } = await import("./commands/serve/hash-key.ts");
    process.exitCode = await hashKeyCommand(process);
  });

interface RunFlags extends Flags {
  processor: string;
  outputSchema?: string;
  json?: boolean;
}

addOptions(
  program
    .command("run")
    .description("start one run, show its progress, and print the answer with its sources")
    .argument("<question>", "what to find out")
    .addOption(
      new Option("--processor <name>", "the tier of the run")
        .choices(PROCESSORS.map(({ name }) => name))
        .default("base"),
    )
    .option("--output-schema <file>", "a file with the JSON Schema that the answer is to follow")
    .option("--json", "print the run and its output as JSON"),
  COMMAND_SETTINGS.run,
).action(async (question: string, _flags: RunFlags, command: Command) => {
  const [{ runCommand }, { repeatedOptions }] = await Promise.all([
    import("./commands/runs/run.ts"),
    import("./commands/wiring/unperformed.ts"),
  ]);
  const { processor, outputSchema, json, ...flags } = command.optsWithGlobals<RunFlags>();
  // A person reads this terminal: the log stays quiet unless it is asked for.
  const { config, ...context } = await prepare(
    { logLevel: "warn", ...flags },
    COMMAND_SETTINGS.run,
  );
  process.exitCode = await runCommand({
    ...context,
    question,
    processor,
    outputSchemaFile: outputSchema,
    json: json ?? false,
    backend: config.backend,
    bridge: config.bridge,
    repeatedOptions: repeatedOptions(flags),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  });
});

/** The command line as it is meant: a client that starts the server names no command. */
async function readArguments(): Promise<string[] | "nothing asked on a terminal"> {
  const args = process.argv.slice(2);
  if (args.length === 0) return process.stdin.isTTY ? "nothing asked on a terminal" : ["stdio"];
  // A host starts the server for every window and waits for it; it needs none of these.
  const { registerPersonCommands } = await import("./commands/cli-commands.ts");
  registerPersonCommands(program, {
    prepare: (flags, names) => prepare(flags, names, FOR_PERSON),
    prepareAnyway: (flags, names) => prepareAnyway(flags, names, FOR_PERSON),
    cliPath: fileURLToPath(import.meta.url),
  });
  const { operands, unknown } = program.parseOptions(args);
  const asksForHelp = unknown.includes("--help") || unknown.includes("-h");
  if (operands.length === 0 && !asksForHelp) return ["stdio", ...args];
  const [command] = operands;
  const [about] = unknown;
  const isKnown = program.commands.some((one) => one.name() === about);
  // Help for a command that does not exist: it is told as that command itself would be, with the one that was meant.
  if (command !== "help" || about === undefined || about.startsWith("-") || isKnown) return args;
  return [about];
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && error.code === "EMFILE"
    ? `this process may open no more files: raise its limit (ulimit -n). ${error.message}`
    : error.message;
}

try {
  const args = await readArguments();
  if (args === "nothing asked on a terminal") {
    const { introduction } = await import("./commands/serve/stdio.ts");
    process.stdout.write(introduction(version));
  } else {
    await program.parseAsync(args, { from: "user" });
  }
} catch (error) {
  const message = filesWereReplaced(error) ? FILES_REPLACED : messageOf(error);
  process.stderr.write(`task-run-mcp: ${cleanText(message)}\n`);
  const code = exitCodeOf(error);
  process.exitCode = code;
  // A client's end of stdin stays open: it would wait for answers that never come.
  setTimeout(() => process.exit(code), 100).unref();
}
