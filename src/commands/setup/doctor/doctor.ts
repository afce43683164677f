import { dirname } from "node:path";
import type { Config, Settings } from "../../../config.ts";
import { type Machine, NoHomeFolder } from "../../../settings/folders.ts";
import { checkSettings, readPrices } from "../../wiring/check-settings.ts";
import { cleanLine, cleanValue } from "../../../text/clean-text.ts";
import { checkReach, describeBackend, describeKey } from "./check-backend.ts";
import { checkClients } from "./check-clients.ts";
import {
  checkCertificates,
  checkNode,
  checkProxies,
  checkSqlite,
  checkVariables,
} from "./check-environment.ts";
import { checkDatabase, checkStateFolder } from "./check-state.ts";
import { errorMessage } from "../../../text/error-message.ts";
import type { Finding } from "./finding.ts";
import { ExitCode } from "../../exit-code.ts";
import type { RunningProgram } from "../install/server-entry.ts";

export interface DoctorOptions {
  config: Pick<Config, "backend" | "bridge" | "proxies">;
  wrongSettings: Settings["problems"];
  nameOf: Settings["nameOf"];
  version: string;
  nodeVersion: string;
  program: RunningProgram;
  machine: Machine;
  /** Make no network requests. */
  isOffline: boolean;
  /** The longest time that a client's server may take to list its tools. */
  startMs?: number;
  json: boolean;
  signal: AbortSignal;
  stdout: NodeJS.WritableStream;
}

const SIGNS = { ok: "✓", warning: "!", problem: "✗" } as const;
/** The width of the longest name of a check. */
const NAME_WIDTH = 15;

/** `task-run-mcp doctor`: prints a line per check of the installation, with advice for each problem. */
export async function doctorCommand(options: DoctorOptions): Promise<ExitCode> {
  const { stdout } = options;
  const findings: Finding[] = [];
  for await (const finding of runChecks(options)) {
    findings.push(finding);
    if (!options.json) stdout.write(findingText(finding));
  }
  const isOk = findings.every(({ state }) => state !== "problem");
  if (options.json) {
    stdout.write(`${JSON.stringify(cleanValue({ ok: isOk, checks: findings }), null, 2)}\n`);
  }
  return isOk ? ExitCode.done : ExitCode.failed;
}

async function* runChecks(options: DoctorOptions): AsyncGenerator<Finding> {
  const { config, nodeVersion, program, machine, version, signal } = options;
  const { backend, bridge, proxies } = config;
  yield { check: "Version", state: "ok", message: `${version}, ${program.cliPath}` };
  const ownChecks = new Set(["documents", "script", "prices"]);
  const unusable = (await checkSettings(config, options.nameOf)).filter(
    ({ setting }) => !ownChecks.has(setting),
  );
  for (const { message } of [...options.wrongSettings, ...unusable]) {
    yield { check: "Settings", state: "problem", message, advice: "Correct it, or leave it out." };
  }
  yield checkNode(nodeVersion);
  yield await checkSqlite(nodeVersion, bridge.ledgerPath);
  yield* checkVariables(machine.env, machine.platform);
  yield* checkProxies(proxies, backend);
  yield* await checkCertificates(machine.env["NODE_EXTRA_CA_CERTS"]);
  yield describeBackend(backend);
  yield describeKey(backend);
  if (backend.kind !== "embedded" && !options.isOffline) {
    yield await checkReach(backend, version, signal);
  }
  const folder = await checkStateFolder(dirname(bridge.ledgerPath));
  yield folder;
  if (folder.state === "ok") yield await checkDatabase("Ledger", bridge.ledgerPath);
  if (backend.kind === "embedded") {
    const { databasePath, documents, script } = backend.engine;
    if (folder.state === "ok") yield await checkDatabase("Engine", databasePath);
    if (script === undefined) {
      const { checkDocuments } = await import("./check-documents.ts");
      for (const one of documents) yield await checkDocuments(one);
    } else {
      yield await checkFile("Script", script, async () => {
        const { readScript } = await import("../../../engine/executors/scripted/read-script.ts");
        await readScript(script);
      });
    }
  }
  const { pricesFile } = bridge;
  if (pricesFile !== undefined) yield await checkFile("Prices", pricesFile, readPrices);
  try {
    yield* checkClients({ ...options, proxies });
  } catch (error) {
    if (!(error instanceof NoHomeFolder)) throw error;
    const message = "not checked: this user has no home folder";
    yield { check: "Clients", state: "warning", message, advice: "Set HOME." };
  }
}

async function checkFile(
  check: string,
  file: string,
  read: (file: string) => Promise<unknown>,
): Promise<Finding> {
  try {
    await read(file);
    return { check, state: "ok", message: file };
  } catch (error) {
    const advice = "Correct the file, or leave the option out.";
    return { check, state: "problem", message: errorMessage(error), advice };
  }
}

function findingText({ check, state, message, advice }: Finding): string {
  const line = `${SIGNS[state]} ${check.padEnd(NAME_WIDTH)} ${cleanLine(message)}\n`;
  return advice === undefined
    ? line
    : `${line}  ${" ".repeat(NAME_WIDTH)} → ${cleanLine(advice)}\n`;
}
