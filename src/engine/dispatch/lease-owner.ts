import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { z } from "zod";

/**
 * Where process ids mean the same: one host since it was started, and, in containers, one process namespace. Null
 * where the system does not tell (outside Linux).
 */
function readProcessScope(): string | null {
  try {
    const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${hostname()} ${bootId} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return null;
  }
}

/** When a process was started, in the system's own units: a process id alone may have been given to another. */
function readStartTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses, which may hold spaces; the start time is the 22nd.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

/** The name under which a worker holds leases: its process, and a part that no other worker has. */
export function createLeaseOwner(): string {
  const owner: z.infer<typeof LeaseOwner> = {
    scope: readProcessScope(),
    pid: process.pid,
    started: readStartTime(process.pid),
    id: randomUUID(),
  };
  return JSON.stringify(owner);
}

const LeaseOwner = z.object({
  scope: z.string().nullable(),
  pid: z.number().int(),
  started: z.string().nullable(),
  id: z.string(),
});

/**
 * Whether the process behind an owner surely no longer runs. Where that cannot be known (another host, container or
 * boot, or a system that does not tell), the answer is no: its lease will expire.
 */
export function ownerHasEnded(owner: string): boolean {
  const parsed = LeaseOwner.safeParse(parseJson(owner));
  if (!parsed.success) return false;
  const { scope, pid, started } = parsed.data;
  if (scope === null || started === null || scope !== readProcessScope()) return false;
  return readStartTime(pid) !== started;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
