import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from "diff";
import type { Machine } from "../../../settings/folders.ts";
import { cleanLine, cleanText } from "../../../text/clean-text.ts";
import { ExitCode } from "../../exit-code.ts";
import { UsageError } from "../../../runtime/usage-error.ts";
import { createRedact } from "../../../text/redact.ts";
import { type Terminal, confirm, isInteractive } from "../../terminal/confirm.ts";
import { CLIENTS, CLIENT_IDS, type ClientId, type ClientSpec } from "./clients.ts";
import { findClient } from "./find-client.ts";
import { type ConfigFile, readConfigFile, replaceConfigFile } from "./config-file.ts";
import { readServers, removeEntry, setEntry, writeBlock } from "./edit-config.ts";
import { ClientConfigUnusable } from "./config-errors.ts";
import { type ConfigObject, isConfigObject } from "./merge-entry.ts";
import {
  type RunningProgram,
  createLocalServer,
  createRemoteServer,
  isOurEntry,
} from "./server-entry.ts";

export interface InstallOptions {
  client: ClientId;
  /** The server's name in the client. */
  name: string;
  action: "install" | "remove" | "print";
  /** Write without asking. */
  isConfirmed: boolean;
  /** The variables that the client sets for the server. */
  env: Record<string, string>;
  /** A running server, instead of one that the client starts. */
  remote?: { url: string; token: string | undefined } | undefined;
  /** Values to redact in the output. */
  secrets: string[];
  /** Hints for the user. */
  notes: string[];
  program: RunningProgram;
  machine: Machine;
  now: Date;
  signal: AbortSignal;
  terminal: Terminal;
  stderr: NodeJS.WritableStream;
}

/** The server's name in a client, unless the user gives another. */
export const SERVER_NAME = "task-run";

/** Names that every client accepts; Gemini CLI rejects underscores. */
const NAME_FORM = /^[A-Za-z0-9][A-Za-z0-9-]{0,59}$/;

/**
 * `task-run-mcp install` and `uninstall`: shows the change, asks, and adds this server to every file that the client reads
 * on this machine, or removes it. Throws `ClientConfigUnusable` and {@link UsageError}; then nothing was changed.
 */
export async function installCommand(options: InstallOptions): Promise<ExitCode> {
  const { name, action, machine, stderr } = options;
  const { stdout } = options.terminal;
  const client = CLIENTS[options.client];
  if (!NAME_FORM.test(name)) {
    throw new UsageError("--name: use letters, digits and hyphens, 60 at most.");
  }
  const { files } = await findClient(client, machine);
  const entry = createEntry(client, options);
  if (action === "print") {
    stderr.write(`For ${files.join(" and ")}:\n`);
    stdout.write(redactText(writeBlock(client, name, entry), options.secrets));
    for (const note of options.notes) stderr.write(`Note: ${cleanLine(note)}\n`);
    return ExitCode.done;
  }

  const changes: { found: ConfigFile; after: string }[] = [];
  for (const path of files) {
    const found = await readConfigFile(path);
    const file = found.path;
    if (action === "remove") checkOwnership(options, client, found);
    const after =
      action === "remove"
        ? removeEntry(found.text, client, { name, file })
        : setEntry(found.text, client, { name, entry, file });
    if (after === found.text) {
      stdout.write(
        action === "remove"
          ? `${client.title} has no server "${name}" in ${file}. Nothing to do.\n`
          : `${client.title} has "${name}" in ${file} already. Nothing to do.\n`,
      );
    } else {
      stdout.write(`${describeChange(file, { before: found.text, after }, options.secrets)}\n`);
      changes.push({ found, after });
    }
  }
  if (changes.length === 0) return ExitCode.done;
  for (const note of options.notes) stdout.write(`Note: ${cleanLine(note)}\n`);
  const places = changes.map(({ found }) => found.path).join(" and ");
  if (!(await isConfirmedByUser(options, `Write this to ${places}?`))) {
    stdout.write("Nothing was changed.\n");
    return ExitCode.failed;
  }
  for (const { found, after } of changes) {
    const backup = await replaceConfigFile(found, after, options.now);
    stdout.write(`Written: ${found.path}\n`);
    if (backup !== null) stdout.write(`Before:  ${backup}\n`);
  }
  stdout.write(`${client.reload}\n`);
  return ExitCode.done;
}

function createEntry(
  client: ClientSpec,
  { name, env, remote, program, machine }: InstallOptions,
): ConfigObject {
  if (remote === undefined) return client.local(createLocalServer(env, program, machine), name);
  if (typeof client.remote === "string") {
    throw new UsageError(
      `${client.title}'s file has only servers that the client starts. ${client.remote}`,
    );
  }
  return client.remote(createRemoteServer(remote.url, remote.token), name);
}

/** Throws {@link ClientConfigUnusable} when the entry of that name is another server. */
function checkOwnership(
  { name, program, remote }: InstallOptions,
  client: ClientSpec,
  { text, path }: ConfigFile,
): void {
  const { servers } = readServers(text, client, path);
  const entry = Object.hasOwn(servers, name) ? servers[name] : undefined;
  if (entry === undefined || name === SERVER_NAME) return;
  if (isConfigObject(entry) && isOurEntry(entry, program, remote?.url)) return;
  throw new ClientConfigUnusable(
    `${path}: "${name}" does not start task-run-mcp; nothing was changed. Remove it by hand if you no longer need it.`,
  );
}

/** `task-run-mcp install` and `uninstall` without a client: lists the clients found here, and whether they have the server. */
export async function listClientsCommand({
  action,
  program,
  machine,
  stdout,
}: Pick<InstallOptions, "program" | "machine"> & {
  action: "install" | "uninstall";
  stdout: NodeJS.WritableStream;
}): Promise<ExitCode> {
  const rows: string[] = [];
  for (const id of CLIENT_IDS) {
    const client = CLIENTS[id];
    const { files, isHere } = await findClient(client, machine);
    if (!isHere) continue;
    for (const file of files) {
      const state = await stateOf(client, file, program);
      if (action === "install" || state.startsWith("has")) {
        rows.push(`  ${id.padEnd(ID_WIDTH)} ${state.padEnd(STATE_WIDTH)} ${file}\n`);
      }
    }
  }
  if (rows.length > 0) {
    stdout.write(action === "install" ? "Found here:\n" : "This server is in:\n");
    for (const row of rows) stdout.write(row);
    stdout.write(
      `\ntask-run-mcp ${action} <client> changes one of them, after showing the change and asking.\n`,
    );
  } else if (action === "install") {
    stdout.write("No known client was found here.\n");
  } else {
    stdout.write("Of the known clients, no client has this server. Nothing to do.\n");
  }
  if (action === "install") stdout.write(`Known: ${CLIENT_IDS.join(", ")}.\n`);
  return ExitCode.done;
}

/** The widths of the longest id and state. */
const ID_WIDTH = 14;
const STATE_WIDTH = 16;

async function stateOf(client: ClientSpec, file: string, program: RunningProgram): Promise<string> {
  try {
    const { text, path } = await readConfigFile(file);
    const { servers } = readServers(text, client, path);
    const ours = Object.entries(servers).flatMap(([name, entry]) =>
      isConfigObject(entry) && (name === SERVER_NAME || isOurEntry(entry, program)) ? [name] : [],
    );
    return ours.length === 0 ? "-" : cleanLine(`has ${ours.map((name) => `"${name}"`).join(", ")}`);
  } catch (error) {
    if (!(error instanceof ClientConfigUnusable)) throw error;
    return "cannot be read";
  }
}

async function isConfirmedByUser(
  { isConfirmed, terminal, signal }: InstallOptions,
  question: string,
): Promise<boolean> {
  if (isConfirmed) return true;
  if (!isInteractive(terminal)) {
    throw new UsageError(
      "No terminal to ask on: add --yes to write the change. Nothing was changed.",
    );
  }
  return confirm(question, terminal, signal);
}

/** Enough to recognise the changed lines in the file. */
const CONTEXT_LINES = 3;
const REDACTED = "[redacted]";

/** A string of JSON or TOML, with the sign after it when it is a key. */
const STRING = /(["'])(?:\\.|(?!\1).)*\1(\s*[:=])?/g;
/** An unquoted value of a YAML line, after its key or dash. */
const PLAIN_VALUE = /^(.\s*(?:- )*(?:[\w-]+:\s+|- ))(?!["'[{…])\S.*$/;
/** A quoted value whose key names a secret. */
const SECRET_VALUE =
  /((["']?)[\w-]*(?:key|token|secret|passw(?:or)?d|auth|credential)[\w-]*\2\s*[:=]\s*)(["'])(?:\\.|(?!\3).)+\3/gi;

const PLAIN_SECRET_VALUE =
  /^([-+ ]?\s*[\w-]*(?:key|token|secret|passw(?:or)?d|auth|credential)[\w-]*:[ \t]+)(?!["'[{])\S.*$/gim;
/** The credentials of a URL, between scheme and host. */
const URL_CREDENTIALS = /(?<=:\/\/)[^\s/@"']+(?=@)/g;

/**
 * A unified diff without secrets, because clients' files contain keys and users share terminal output. Unchanged lines are
 * shown without their values.
 */
function describeChange(
  file: string,
  { before, after }: { before: string; after: string },
  secrets: readonly string[],
): string {
  const patch = structuredPatch(file, file, before, after, undefined, undefined, {
    context: CONTEXT_LINES,
  });
  for (const hunk of patch.hunks) {
    hunk.lines = hunk.lines.map((line) => (line.startsWith(" ") ? withoutValues(line) : line));
  }
  return cleanText(redactText(formatPatch(patch, FILE_HEADERS_ONLY), secrets));
}

function withoutValues(line: string): string {
  return line
    .replace(PLAIN_VALUE, "$1…")
    .replaceAll(STRING, (found: string, quote: string, sign: string | undefined) =>
      sign === undefined ? `${quote}…${quote}` : found,
    );
}

/** Redacts the given secrets, and values whose key names a secret. */
function redactText(text: string, secrets: readonly string[]): string {
  return createRedact(secrets)(text)
    .replaceAll(URL_CREDENTIALS, REDACTED)
    .replaceAll(SECRET_VALUE, `$1$3${REDACTED}$3`)
    .replaceAll(PLAIN_SECRET_VALUE, `$1${REDACTED}`);
}
