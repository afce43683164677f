import type { Command } from "commander";
import { readMachine } from "../config.ts";
import { type Flags, settingNames } from "../options.ts";
import { COMMAND_SETTINGS, addOptions, examples } from "./command-options.ts";
import {
  type Host,
  type Prepared,
  registerInstall,
  registerUninstall,
} from "./setup/install/register-install.ts";
import { repeatedOptions } from "./wiring/unperformed.ts";
import { unlessInterrupted } from "./terminal/run-until-signal.ts";

/** The commands of a person who sets the server up, or looks over the agent's shoulder. */
export function registerPersonCommands(program: Command, host: Host): void {
  registerInstall(program, host);
  registerUninstall(program, host);
  registerDoctor(program, host);
  registerRuns(program, host);
  registerGet(program, host);
  registerCancel(program, host);
  registerCompletion(program);
  registerHelp(program);
}

function registerDoctor(program: Command, { prepareAnyway, cliPath }: Host): void {
  const command = program
    .command("doctor")
    .description("look at everything the server needs, and say what to do about what is not well")
    .option("--offline", "ask nothing of the network")
    .option("--json", "print the checks as JSON");
  addOptions(command, COMMAND_SETTINGS.stdio)
    .addHelpText("after", examples("doctor", "doctor --offline --json"))
    .addHelpText(
      "after",
      "\nIt looks at the settings of this terminal; a client may set others for the server it starts.\nEnds with 0 when nothing is marked ✗, else with 1.",
    )
    .action(async (_flags: Flags, self: Command) => {
      const { doctorCommand } = await import("./setup/doctor/doctor.ts");
      const { offline, json, ...flags } = self.optsWithGlobals<
        Flags & { offline?: boolean; json?: boolean }
      >();
      // Settings of every command: they are in the environment of all.
      const context = await prepareAnyway(flags, settingNames);
      const { config, wrongSettings, nameOf, version, signal } = context;
      process.exitCode = await unlessInterrupted(
        { signal, stderr: process.stderr, message: "Interrupted." },
        () =>
          doctorCommand({
            config,
            wrongSettings,
            nameOf,
            version,
            signal,
            nodeVersion: process.versions.node,
            program: { nodePath: process.execPath, cliPath },
            machine: readMachine(),
            isOffline: offline ?? false,
            json: json ?? false,
            stdout: process.stdout,
          }),
      );
    });
}

function registerRuns(program: Command, { prepare }: Host): void {
  const command = program
    .command("runs")
    .description("list the runs that agents started here, newest first")
    .option("--status <status>", "only these: active, unknown, or a status such as completed")
    .option("--text <words>", "only those with these words in the question")
    .option("--since <time>", "only those started then or later: today, 2h, 2026-11-24")
    .option("--limit <number>", "at most so many", "20")
    .option("--json", "print them as JSON");
  addOptions(command, COMMAND_SETTINGS.runs)
    .addHelpText(
      "after",
      examples("runs", "runs --status failed --since today", 'runs --text "GDP" --limit 100'),
    )
    .action(async (_flags: Flags, self: Command) => {
      const { runsCommand } = await import("./runs/runs.ts");
      const { status, text, since, limit, json, ...flags } = self.optsWithGlobals<
        Flags & { status?: string; text?: string; since?: string; limit: string; json?: boolean }
      >();
      const context = runsContext(await prepare(flags, COMMAND_SETTINGS.runs), flags);
      process.exitCode = await unlessInterrupted(
        { signal: context.signal, stderr: process.stderr, message: "Interrupted." },
        () =>
          runsCommand({
            ...context,
            status,
            text,
            since,
            limit,
            json: json ?? false,
          }),
      );
    });
}

function registerGet(program: Command, { prepare }: Host): void {
  const command = program
    .command("get")
    .description("print the status of a run, and its answer with sources")
    .argument("<run-id>", "as `runs` shows it")
    .option("--wait <seconds>", "wait for it to end, at most so long", "0")
    .option("--json", "print the run and its output as JSON");
  addOptions(command, COMMAND_SETTINGS.get)
    .addHelpText("after", examples("get trun_1234 --wait 600", "get trun_1234 --json"))
    .addHelpText(
      "after",
      "\nEnds with 0 when the run is completed or still going on, with 1 when it failed, was cancelled or asks back.",
    )
    .action(async (runId: string, _flags: Flags, self: Command) => {
      const { getCommand } = await import("./runs/get.ts");
      const { wait, json, ...flags } = self.optsWithGlobals<
        Flags & { wait: string; json?: boolean }
      >();
      const context = runsContext(await prepare(flags, COMMAND_SETTINGS.get), flags);
      process.exitCode = await unlessInterrupted(
        {
          signal: context.signal,
          stderr: process.stderr,
          message: "Stopped waiting. The run was not cancelled.",
        },
        () =>
          getCommand({
            ...context,
            runId,
            waitSeconds: wait,
            json: json ?? false,
          }),
      );
    });
}

function registerCancel(program: Command, { prepare }: Host): void {
  const command = program
    .command("cancel")
    .description("ask the backend to stop a run, look again, and say what is true")
    .argument("<run-id>", "as `runs` shows it")
    .option("--json", "print the outcome as JSON");
  addOptions(command, COMMAND_SETTINGS.cancel)
    .addHelpText("after", examples("cancel trun_1234"))
    .addHelpText(
      "after",
      "\nEnds with 0 when the run is cancelled or had finished already, else with 1.\nParallel's hosted API cannot cancel: the run goes on and is billed if it completes.",
    )
    .action(async (runId: string, _flags: Flags, self: Command) => {
      const { cancelCommand } = await import("./runs/cancel.ts");
      const { json, ...flags } = self.optsWithGlobals<Flags & { json?: boolean }>();
      const context = runsContext(await prepare(flags, COMMAND_SETTINGS.cancel), flags);
      process.exitCode = await unlessInterrupted(
        {
          signal: context.signal,
          stderr: process.stderr,
          message: "Interrupted: whether the run was cancelled, `task-run-mcp get` tells.",
        },
        () =>
          cancelCommand({
            ...context,
            runId,
            json: json ?? false,
          }),
      );
    });
}

function registerCompletion(program: Command): void {
  program
    .command("completion")
    .description("print a script that completes commands and options in your shell")
    .addArgument(program.createArgument("<shell>", "your shell").choices(["bash", "zsh", "fish"]))
    .addHelpText(
      "after",
      examples(
        "completion bash >> ~/.bashrc",
        "completion fish > ~/.config/fish/completions/task-run-mcp.fish",
      ),
    )
    .action(async (shell: "bash" | "zsh" | "fish") => {
      const { completionCommand } = await import("./setup/completion.ts");
      process.exitCode = await completionCommand({ program, shell, stdout: process.stdout });
    });
}

/** Commander has one of its own, which shows the whole help for a command that does not exist, and has none itself. */
function registerHelp(program: Command): void {
  program
    .command("help")
    .description("tell what a command does, with its options and settings")
    .argument("[command]", "the command; without it, all of them")
    .action((name?: string) => {
      (program.commands.find((command) => command.name() === name) ?? program).outputHelp();
    });
}

function runsContext({ config, ...context }: Prepared, flags: Flags) {
  const { backend, bridge } = config;
  return {
    ...context,
    backend,
    bridge,
    repeatedOptions: repeatedOptions(flags),
    stdout: process.stdout,
    stderr: process.stderr,
  };
}
