import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * The scope in which process ids are unique: one host since its boot, and, in containers, one process namespace. Null
 * where the system does not provide it (outside Linux).
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

/** Neither changes while this process lives, and lists ask about many owners. */
let own: { scope: string | null; started: string | null } | undefined;

function readOwn(): { scope: string | null; started: string | null } {
  return (own ??= { scope: readProcessScope(), started: readStartTime(process.pid) });
}

/** The name under which work is held: its process, and a part that no other holder has. */
export function createProcessOwner(): string {
  return JSON.stringify({
    ...readOwn(),
    pid: process.pid,
    id: randomUUID(),
  });
}

/**
 * Whether the process of an owner certainly no longer runs. False where that cannot be known (another host, container
 * or boot, or a system without this information): its work is then taken over when its lease expires.
 */
export function ownerHasEnded(owner: string): boolean {
  const { scope, pid, started } = readOwner(owner);
  if (typeof scope !== "string" || typeof pid !== "number" || typeof started !== "string") {
    return false;
  }
  if (scope !== readOwn().scope) return false;
  return (pid === process.pid ? readOwn().started : readStartTime(pid)) !== started;
}

function readOwner(text: string): { scope?: unknown; pid?: unknown; started?: unknown } {
  try {
    const owner: unknown = JSON.parse(text);
    return typeof owner === "object" && owner !== null ? owner : {};
  } catch {
    return {};
  }
}
