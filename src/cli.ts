#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { z } from "zod";
import {
  BRIDGE_SETTINGS,
  ENGINE_SETTINGS,
  HTTP_SETTINGS,
  addOptions,
} from "./commands/command-options.ts";
import { ExitCode, exitCodeOf } from "./commands/exit-code.ts";
import { type Config, readConfig } from "./config.ts";
import type { Flags } from "./options.ts";
import { PROCESSORS } from "./task-api/processors.ts";

/** A process that was told to end and has not done so after this time ends anyway. */
const DRAIN_MS = 10_000;

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")));

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

/** What every command needs. `drainSeconds`: what it takes by itself to end, before the backend closes. */
function read(flags: Flags, drainSeconds: (config: Config) => number = () => 0) {
  const config = readConfig(flags);
  const openLog = async () => {
    const { createLogger } = await import("./logger.ts");
    return createLogger({ level: config.logLevel, secrets: config.secrets });
  };
  const signal = abortOnSignals(DRAIN_MS + drainSeconds(config) * 1_000);
  return { config, version, signal, openLog };
}

async function prepare(...args: Parameters<typeof read>) {
  const { openLog, ...context } = read(...args);
  return { ...context, log: await openLog() };
}

const program = new Command("task-run-mcp")
  .description(
    "Starts research task runs for AI agents, reports their progress, and returns cited answers.\nWithout a command: the MCP server over stdio.",
  )
  .version(version)
  .enablePositionalOptions()
  .showHelpAfterError("(task-run-mcp --help lists commands and options)")
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? ExitCode.done : ExitCode.usage);
  });

addOptions(program, [...ENGINE_SETTINGS, ...BRIDGE_SETTINGS]).action(async (flags: Flags) => {
  const { stdioCommand } = await import("./commands/stdio.ts");
  const { config, ...context } = read(flags);
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
  [...ENGINE_SETTINGS, ...BRIDGE_SETTINGS, ...HTTP_SETTINGS],
).action(async (_flags: Flags, command: Command) => {
  const { httpCommand } = await import("./commands/http.ts");
  const { config, ...context } = await prepare(
    command.optsWithGlobals<Flags>(),
    ({ http }) => http.drainSeconds,
  );
  process.exitCode = await httpCommand({
    ...context,
    backend: config.backend,
    bridge: config.bridge,
    http: config.http,
    telemetry: config.telemetry,
    onHangUp: (listener) => process.on("SIGHUP", listener),
    stdout: process.stdout,
  });
});

addOptions(
  program
    .command("engine")
    .description("serve the built-in engine's Task API over HTTP; prints its base URL"),
  [...ENGINE_SETTINGS, "host", "port", "engineApiKey", "tenants", "profile", "requireBetas"],
).action(async (_flags: Flags, command: Command) => {
  const { engineCommand } = await import("./commands/engine.ts");
  // On this command `--api-key` is the key that callers must send, not one that we send.
  const { apiKey: engineApiKey, ...flags } = command.optsWithGlobals<Flags>();
  const { config, ...context } = await prepare({ ...flags, ...(engineApiKey && { engineApiKey }) });
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
    const { hashKeyCommand } = await import("./commands/hash-key.ts");
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
  ENGINE_SETTINGS,
).action(async (question: string, _flags: RunFlags, command: Command) => {
  const { runCommand } = await import("./commands/run.ts");
  const { processor, outputSchema, json, ...flags } = command.optsWithGlobals<RunFlags>();
  // A person reads this terminal: the log stays quiet unless it is asked for.
  const { config, ...context } = await prepare({ logLevel: "warn", ...flags });
  process.exitCode = await runCommand({
    ...context,
    question,
    processor,
    outputSchemaFile: outputSchema,
    json: json ?? false,
    backend: config.backend,
    bridge: config.bridge,
    stdout: process.stdout,
    stderr: process.stderr,
  });
});

// A host starts the server for every window and waits for it; it names no command, and needs none of these.
if (process.argv.length > 2) {
  const { registerPersonCommands } = await import("./commands/register-person-commands.ts");
  registerPersonCommands(program, {
    prepare: (flags) => prepare({ logLevel: "warn", ...flags }),
    cliPath: fileURLToPath(import.meta.url),
  });
}

try {
  await program.parseAsync();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`task-run-mcp: ${message}\n`);
  process.exitCode = exitCodeOf(error);
}
