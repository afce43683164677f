#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Argument, Command, Option } from "commander";
import { z } from "zod";
import { addCommand } from "./commands/add-command.ts";
import { COMMAND_SETTINGS } from "./commands/command-settings.ts";
import { ExitCode, exitCodeOf } from "./commands/exit-code.ts";
import { FILES_REPLACED, filesWereReplaced } from "./mcp/replaced-files.ts";
import { OPTIONS, type Setting } from "./options.ts";
import { cleanText } from "./text/clean-text.ts";
import { errorCode, errorMessage } from "./text/error-message.ts";

/** A process that should end by itself is ended after this time. */
const SHUTDOWN_MS = 10_000;

/** A desktop bundle adds the titles that its dialog gives to settings. */
const { version, settingTitles: titles } = z
  .object({ version: z.string(), settingTitles: z.record(z.string(), z.string()).optional() })
  .parse(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")));

const optionalOutputs = new Set<object>();

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (optionalOutputs.has(stream)) return;
    // The reader has read enough, as in `runs | head`.
    if (error.code === "EPIPE") process.exit(ExitCode.done);
    if (stream !== process.stdout) return;
    process.stderr.write(`task-run-mcp: the output cannot be written: ${error.message}\n`);
    process.exit(ExitCode.failed);
  });
}

function limitShutdown(shutdownMs = SHUTDOWN_MS): void {
  setTimeout(() => process.exit(ExitCode.interrupted), shutdownMs).unref();
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. */
function abortOnSignals(extraSeconds: number): AbortSignal {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted);
    controller.abort();
    limitShutdown(SHUTDOWN_MS + extraSeconds * 1_000);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller.signal;
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
    "\nWithout a command, `stdio` runs, unless stdin is a terminal.\n`task-run-mcp help <command>` lists the settings of a command: each is an option, such as --documents, and a variable,\nsuch as TASK_RUN_MCP_DOCUMENTS.",
  )
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? ExitCode.done : ExitCode.usage);
  });
// Options may stand before the command; its own help lists them.
for (const name of COMMAND_SETTINGS.stdio) {
  const { flag }: Setting = OPTIONS[name];
  if (flag !== undefined) program.addOption(new Option(flag).hideHelp());
}

const host = {
  version,
  titles,
  cliPath: fileURLToPath(import.meta.url),
  optionalOutputs,
  abortOnSignals,
};

addCommand(program, host, {
  name: "stdio",
  description: "serve MCP over stdin and stdout, as a client starts it; the default command",
  arguments: [new Argument("[folder...]", "folders of documents, in place of --documents")],
  settings: COMMAND_SETTINGS.stdio,
  isServer: true,
  async run({ operands, options, read }) {
    // A closed stdout ends the transport, which then shuts down in order.
    optionalOutputs.add(process.stdout);
    const { stdioCommand } = await import("./commands/serve/stdio.ts");
    const { config, ...context } = read(options, { folders: operands });
    if (process.stdin.isTTY) {
      process.stderr.write(
        "Serving MCP: reads one JSON-RPC message per line from this terminal. Ctrl-D ends it.\n",
      );
    }
    return stdioCommand({
      ...context,
      backend: config.backend,
      bridge: config.bridge,
      telemetry: config.telemetry,
      input: process.stdin,
      output: process.stdout,
      onDisconnected: limitShutdown,
    });
  },
});

/** The arguments with the command that they mean: a client that starts the server names none. */
async function readArguments(): Promise<string[]> {
  const args = process.argv.slice(2);
  if (args.length === 0) return ["stdio"];
  // A host waits for the first answer of `stdio`, so no other command is loaded for it.
  if (args[0] === "stdio") return args;
  const { addCommands } = await import("./commands/cli-commands.ts");
  addCommands(program, host);
  const { operands, unknown } = program.parseOptions(args);
  const asksForHelp = unknown.includes("--help") || unknown.includes("-h");
  if (operands.length === 0 && !asksForHelp) return ["stdio", ...args];
  const [command] = operands;
  const [topic] = unknown;
  const isKnown = program.commands.some((one) => one.name() === topic);
  // `help` with an unknown command fails as that command itself does, with the nearest known one.
  if (command !== "help" || topic === undefined || topic.startsWith("-") || isKnown) return args;
  return [topic];
}

function failureText(error: unknown): string {
  if (filesWereReplaced(error)) return FILES_REPLACED;
  const message = errorMessage(error);
  return errorCode(error) === "EMFILE"
    ? `this process may open no more files: raise its limit (ulimit -n). ${message}`
    : message;
}

try {
  if (process.argv.length === 2 && process.stdin.isTTY) {
    const { introduction } = await import("./commands/serve/stdio.ts");
    process.stdout.write(introduction(version));
  } else {
    await program.parseAsync(await readArguments(), { from: "user" });
  }
} catch (error) {
  process.stderr.write(`task-run-mcp: ${cleanText(failureText(error))}\n`);
  const code = exitCodeOf(error);
  process.exitCode = code;
  // A client keeps stdin open and would wait for answers that never come.
  setTimeout(() => process.exit(code), 100).unref();
}
