import { type Command, createArgument, createOption } from "commander";
import { readMachine } from "../config.ts";
import { type Flags, settingNames } from "../options.ts";
import { PROCESSORS } from "../task-api/processors.ts";
import {
  type CommandContext,
  type CommandHost,
  type CommandSpec,
  addCommand,
} from "./add-command.ts";
import { COMMAND_SETTINGS } from "./command-settings.ts";
import { ExitCode } from "./exit-code.ts";
import type { InstallFlags } from "./setup/install/change-client.ts";
import { CLIENT_IDS } from "./setup/install/clients.ts";
import { lookupOptions } from "./wiring/runs-without-worker.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** Adds every command except `stdio`, which a host starts for every window and waits for. */
export function addCommands(program: Command, host: CommandHost & { cliPath: string }): void {
  const add = <Own extends object>(spec: CommandSpec<Own>) => addCommand(program, host, spec);
  const self = { nodePath: process.execPath, cliPath: host.cliPath };

  add({
    name: "http",
    description: "serve MCP over HTTP to many agents; prints its URL",
    settings: COMMAND_SETTINGS.http,
    isServer: true,
    async run({ options, prepare }) {
      const { httpCommand } = await import("./serve/http.ts");
      const { config, ...context } = await prepare(options, {
        shutdownSeconds: ({ http }) => http.drainSeconds,
      });
      const { backend, bridge, http, telemetry, proxies } = config;
      return httpCommand({
        ...context,
        backend,
        bridge,
        http,
        telemetry,
        proxies,
        onHangUp: (listener) => process.on("SIGHUP", listener),
        stdout: process.stdout,
      });
    },
  });

  add({
    name: "engine",
    description: "serve the built-in engine's Task API over HTTP; prints its base URL",
    settings: COMMAND_SETTINGS.engine,
    isServer: true,
    // On this command `--api-key` is the key that callers must send, not one that we send.
    async run({ options: { apiKey: engineApiKey, ...flags }, prepare }) {
      const { engineCommand } = await import("./serve/engine.ts");
      const { config, log, signal } = await prepare({
        ...flags,
        ...(engineApiKey && { engineApiKey }),
      });
      const { engine, serve } = config;
      return engineCommand({ config: engine, serve, log, signal, stdout: process.stdout });
    },
  });

  add({
    name: "hash-key",
    description: "print the hash of a key, for a tenants file; reads the key from stdin",
    async run() {
      const { hashKeyCommand } = await import("./serve/hash-key.ts");
      return hashKeyCommand(process);
    },
  });

  add<{ processor: string; outputSchema?: string; json?: boolean }>({
    name: "run",
    description: "start one run, show its progress, and print the answer with its sources",
    arguments: [createArgument("<question>", "what to find out")],
    options: [
      createOption("--processor <name>", "the tier of the run")
        .choices(PROCESSORS.map(({ name }) => name))
        .default("base"),
      createOption("--output-schema <file>", "a file with the JSON Schema of the answer"),
      createOption("--json", "print the run and its output as JSON"),
    ],
    settings: COMMAND_SETTINGS.run,
    async run({ operands: [question = ""], options, prepare }) {
      const { runCommand } = await import("./runs/run.ts");
      const { processor, outputSchema, json = false, ...flags } = options;
      return runCommand({
        ...runsContext(await prepare(flags), flags),
        question,
        processor,
        outputSchemaFile: outputSchema,
        json,
        stdin: process.stdin,
      });
    },
  });

  add<InstallFlags>({
    name: "install",
    description: "add this server to a client's configuration; shows the change and asks first",
    arguments: [
      createArgument(
        "[client]",
        "the client; without one, those on this machine are listed",
      ).choices(CLIENT_IDS),
    ],
    options: [
      createOption("--print", "print what would be written, and write nothing"),
      createOption("--remove", "remove the server").conflicts("print"),
      createOption("--yes", "do not ask"),
      createOption("--name <name>", "the server's name in the client").default("task-run"),
      createOption("--url <url>", "a running server, by the URL that `task-run-mcp http` prints"),
      createOption(
        "--token <token>",
        "the token for the server at --url (default: TASK_RUN_MCP_HTTP_TOKEN)",
      ),
      createOption("--copy-key", "write PARALLEL_API_KEY into the client's file").conflicts([
        "print",
        "remove",
        "url",
      ]),
    ],
    settings: COMMAND_SETTINGS.stdio,
    examples: [
      "install",
      "install claude-desktop --documents ~/notes",
      "install codex --print",
      "install cursor --copy-key --budget-usd 5 --yes",
      "install claude-code --url https://mcp.example.com/mcp",
    ],
    interrupted: "Interrupted.",
    async run(call) {
      const { changeClient } = await import("./setup/install/change-client.ts");
      return changeClient(call, self);
    },
  });

  add<InstallFlags>({
    name: "uninstall",
    description:
      "remove this server from a client's configuration; shows the change and asks first",
    arguments: [
      createArgument("[client]", "the client; without one, those that have it are listed").choices(
        CLIENT_IDS,
      ),
    ],
    options: [
      createOption("--yes", "do not ask"),
      createOption("--name <name>", "the server's name in the client").default("task-run"),
      createOption("--url <url>", "the URL that a server under another name was installed with"),
    ],
    examples: ["uninstall", "uninstall cursor", "uninstall vscode --yes"],
    interrupted: "Interrupted.",
    async run(call) {
      const { changeClient } = await import("./setup/install/change-client.ts");
      return changeClient({ ...call, options: { ...call.options, remove: true } }, self);
    },
  });

  add<{ offline?: boolean; json?: boolean }>({
    name: "doctor",
    description: "check the installation and say how to fix what is wrong",
    options: [
      createOption("--offline", "make no network requests"),
      createOption("--json", "print the checks as JSON"),
    ],
    settings: COMMAND_SETTINGS.stdio,
    examples: ["doctor", "doctor --offline --json"],
    notes:
      "Checks the settings of this terminal; a client may start the server with others.\nExit code 0 when no check is marked ✗, else 1.",
    interrupted: "Interrupted.",
    async run({ options: { offline = false, json = false, ...flags }, read }) {
      const { doctorCommand } = await import("./setup/doctor/doctor.ts");
      // Every setting: the environment holds those of other commands too.
      const { openLog, ...context } = read(flags, { names: settingNames });
      await openLog();
      return doctorCommand({
        ...context,
        nodeVersion: process.versions.node,
        program: self,
        machine: readMachine(),
        isOffline: offline,
        json,
        stdout: process.stdout,
      });
    },
  });

  add<{ status?: string; text?: string; since?: string; limit: string; json?: boolean }>({
    name: "runs",
    description: "list the runs that agents started here, newest first",
    options: [
      createOption(
        "--status <status>",
        "only runs with this status: active, unknown, or a status such as completed",
      ),
      createOption("--text <words>", "only runs with these words in the question"),
      createOption("--since <time>", "only runs started since then: today, 2h, 2026-11-24"),
      createOption("--limit <number>", "the most runs to list").default("20"),
      createOption("--json", "print the runs as JSON"),
    ],
    settings: COMMAND_SETTINGS.runs,
    examples: ["runs", "runs --status failed --since today", 'runs --text "GDP" --limit 100'],
    interrupted: "Interrupted.",
    async run({ options, prepare }) {
      const { runsCommand } = await import("./runs/runs.ts");
      const { status, text, since, limit, json = false, ...flags } = options;
      const context = runsContext(await prepare(flags), flags);
      return runsCommand({ ...context, status, text, since, limit, json });
    },
  });

  add<{ wait: string; passage?: string; around?: string; json?: boolean }>({
    name: "get",
    description: "print the status of a run, and its answer with sources",
    arguments: [createArgument("<run-id>", "as `runs` shows it")],
    options: [
      createOption("--wait <seconds>", "wait at most this long for the run to end").default("0"),
      createOption(
        "--passage <id>",
        "read on in the sources of the answer: p1.4 (a passage), p1 (an outline), more (the next hits)",
      ),
      createOption(
        "--around <number>",
        "with --passage: how many passages on each side, 2 by default",
      ),
      createOption("--json", "print the run and its output as JSON"),
    ],
    settings: COMMAND_SETTINGS.get,
    examples: ["get trun_1234 --wait 600", "get trun_1234 --passage p1.4", "get trun_1234 --json"],
    notes:
      "Exit code 0 when the run is completed or still active, 1 when it failed, was cancelled or asks a question.",
    interrupted: "Stopped waiting. The run was not cancelled.",
    async run({ operands: [runId = ""], options, prepare }) {
      const { getCommand } = await import("./runs/get.ts");
      const { wait: waitSeconds, passage, around, json = false, ...flags } = options;
      const context = runsContext(await prepare(flags), flags);
      return getCommand({ ...context, runId, waitSeconds, passage, around, json });
    },
  });

  add<{ json?: boolean }>({
    name: "cancel",
    description: "cancel a run, then read it again and report its status",
    arguments: [createArgument("<run-id>", "as `runs` shows it")],
    options: [createOption("--json", "print the outcome as JSON")],
    settings: COMMAND_SETTINGS.cancel,
    examples: ["cancel trun_1234"],
    notes:
      "Exit code 0 when the run is cancelled or had already finished, else 1.\nParallel's hosted API cannot cancel: the run goes on and is billed if it completes.",
    interrupted: "Interrupted: `task-run-mcp get` shows whether the run was cancelled.",
    async run({ operands: [runId = ""], options: { json = false, ...flags }, prepare }) {
      const { cancelCommand } = await import("./runs/cancel.ts");
      return cancelCommand({ ...runsContext(await prepare(flags), flags), runId, json });
    },
  });

  add({
    name: "completion",
    description: "print a script that completes commands and options in your shell",
    arguments: [createArgument("<shell>", "your shell").choices(SHELLS)],
    examples: [
      "completion bash >> ~/.bashrc",
      "completion fish > ~/.config/fish/completions/task-run-mcp.fish",
    ],
    async run({ operands: [name] }) {
      const { completionScript } = await import("./setup/completion.ts");
      const shell = SHELLS.find((known) => known === name) ?? "bash";
      process.stdout.write(completionScript(program, shell));
      return ExitCode.done;
    },
  });

  add({
    name: "help",
    // Commander's own help command ignores the name of a command that does not exist, and is missing from completions.
    description: "show what a command does, with its options and settings",
    arguments: [createArgument("[command]", "the command; without it, all commands")],
    async run({ operands: [name] }) {
      (program.commands.find((command) => command.name() === name) ?? program).outputHelp();
      return ExitCode.done;
    },
  });
}

/** The context that all commands about runs share. */
function runsContext({ config, ...context }: CommandContext, flags: Flags) {
  const { backend, bridge } = config;
  const { stdout, stderr } = process;
  return { ...context, backend, bridge, lookupOptions: lookupOptions(flags), stdout, stderr };
}
