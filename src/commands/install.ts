import type { Machine } from "../config.ts";
import { ExitCode, UsageError } from "./exit-code.ts";
import { type Terminal, askPerson, isInteractive } from "./install/ask-person.ts";
import { CLIENTS, type ClientId } from "./install/clients.ts";
import { readConfigFile, replaceConfigFile } from "./install/config-file.ts";
import { describeChange } from "./install/describe-change.ts";
import { removeEntry, setEntry, writeBlock } from "./install/edit-config.ts";
import { type RunningProgram, createServerEntry } from "./install/server-entry.ts";

export interface InstallOptions {
  client: ClientId;
  /** The server's name in the client. */
  name: string;
  action: "install" | "remove" | "print";
  /** Write without asking. */
  isConfirmed: boolean;
  /** What the client is to set in the server's environment. */
  env: Record<string, string>;
  /** Values that are never shown. */
  secrets: string[];
  /** What the user should know besides. */
  notes: string[];
  program: RunningProgram;
  machine: Machine;
  now: Date;
  signal: AbortSignal;
  terminal: Terminal;
  stderr: NodeJS.WritableStream;
}

/** Every client takes these in a name; Gemini CLI does not take underscores. */
const SERVER_NAME = /^[A-Za-z0-9][A-Za-z0-9-]{0,59}$/;

/**
 * `task-run-mcp install`: puts this server into a client's configuration file, or takes it out, after showing what will
 * change. Throws `ClientConfigUnusable` and {@link UsageError}; then nothing was changed.
 */
export async function installCommand(options: InstallOptions): Promise<ExitCode> {
  const { name, action, machine, stderr } = options;
  const { stdout } = options.terminal;
  const client = CLIENTS[options.client];
  if (!SERVER_NAME.test(name)) {
    throw new UsageError("--name: use letters, digits and hyphens, 60 at most.");
  }
  const place = client.file(machine);
  const entry = createServerEntry(client, options.env, options.program, machine);
  if (action === "print") {
    stderr.write(`For ${place}:\n`);
    stdout.write(writeBlock(client, name, entry));
    for (const note of options.notes) stderr.write(`Note: ${note}\n`);
    return ExitCode.done;
  }

  const found = await readConfigFile(place);
  const file = found.path;
  const after =
    action === "remove"
      ? removeEntry(found.text, client, { name, file })
      : setEntry(found.text, client, { name, entry, file });
  if (after === found.text) {
    stdout.write(
      action === "remove"
        ? `${client.title} has no server "${name}" in ${file}. Nothing to do.\n`
        : `${client.title} has "${name}" already, as it would be written: ${file}. Nothing to do.\n`,
    );
    return ExitCode.done;
  }
  stdout.write(`${describeChange(file, { before: found.text, after }, options.secrets)}\n`);
  for (const note of options.notes) stdout.write(`Note: ${note}\n`);
  if (!(await isWanted(options, `Write this to ${file}?`))) {
    stdout.write("Nothing was changed.\n");
    return ExitCode.failed;
  }
  const backup = await replaceConfigFile(found, after, options.now);
  stdout.write(`Written: ${file}\n`);
  if (backup !== null) stdout.write(`Before:  ${backup}\n`);
  stdout.write(`${client.reload}\n`);
  return ExitCode.done;
}

async function isWanted(
  { isConfirmed, terminal, signal }: InstallOptions,
  question: string,
): Promise<boolean> {
  if (isConfirmed) return true;
  if (!isInteractive(terminal)) {
    throw new UsageError("Nobody can be asked here: add --yes to write this. Nothing was changed.");
  }
  return askPerson(question, terminal, signal);
}
