import { access } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { z } from "zod";
import type { Machine } from "../../config.ts";
import { CLIENTS, type ClientSpec } from "../install/clients.ts";
import { readConfigFile } from "../install/config-file.ts";
import { readServers } from "../install/edit-config.ts";
import { ClientConfigUnusable } from "../install/errors.ts";
import type { RunningProgram } from "../install/server-entry.ts";
import { type Finding, reasonOf } from "./finding.ts";

const CommandLine = z.object({ command: z.string(), args: z.array(z.string()).default([]) });

/** In which clients' configuration this server is found, and whether what is written there still exists. */
export async function checkClients(machine: Machine, program: RunningProgram): Promise<Finding[]> {
  const check = "Clients";
  const lists = await Promise.all(
    Object.values(CLIENTS).map((client) => lookInto(client, machine, program)),
  );
  const found = lists.flatMap(({ names }) => names);
  const findings = lists.flatMap((list) => list.findings);
  if (found.length > 0) {
    return [{ check, state: "ok", message: found.join(", ") }, ...findings];
  }
  return [
    {
      check,
      state: "warning",
      message: "this server is in the configuration of no client that is known here",
      advice: "task-run-mcp install <client> puts it there.",
    },
    ...findings,
  ];
}

async function lookInto(
  client: ClientSpec,
  machine: Machine,
  program: RunningProgram,
): Promise<{ names: string[]; findings: Finding[] }> {
  const check = client.title;
  try {
    const { path, text, bytes } = await readConfigFile(client.file(machine));
    if (bytes === null) return { names: [], findings: [] };
    const { servers } = readServers(text, client, path);
    const ours = Object.entries(servers).flatMap(([name, entry]) => {
      const parsed = CommandLine.safeParse(entry);
      if (!parsed.success) return [];
      const line = [parsed.data.command, ...parsed.data.args];
      return isOurs(line, program) ? [{ name, line }] : [];
    });
    const findings = await Promise.all(
      ours.map(async ({ name, line }): Promise<Finding[]> => {
        const [missing] = await missingFiles(line);
        if (missing === undefined) return [];
        return [
          {
            check,
            state: "problem",
            message: `"${name}" starts ${missing}, which is not there`,
            advice: `task-run-mcp install ${client.id} --name ${name} writes where it is now.`,
          },
        ];
      }),
    );
    return {
      names: ours.map(({ name }) => `${client.title} ("${name}")`),
      findings: findings.flat(),
    };
  } catch (error) {
    if (!(error instanceof ClientConfigUnusable)) throw error;
    return {
      names: [],
      findings: [
        {
          check,
          state: "warning",
          message: reasonOf(error),
          advice: `${client.title} may be unable to read it, too.`,
        },
      ],
    };
  }
}

function isOurs(line: readonly string[], { cliPath }: RunningProgram): boolean {
  return line.some((part) => part === cliPath || /(?:^|[\\/])task-run-mcp(?:$|[@\\/])/.test(part));
}

async function missingFiles(line: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const part of line.slice(0, 2).filter((path) => isAbsolute(path))) {
    try {
      await access(part);
    } catch {
      missing.push(part);
    }
  }
  return missing;
}
