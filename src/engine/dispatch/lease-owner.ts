import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { z } from "zod";

/** The name under which a worker holds leases: host, process, and a part that no other start of a process has. */
export function createLeaseOwner(): string {
  return JSON.stringify([hostname(), process.pid, randomUUID()]);
}

const LeaseOwner = z.tuple([z.string(), z.number().int(), z.string()]);

/**
 * Whether the process behind an owner surely no longer runs: same host, and its process id is free. An owner on
 * another host, or one whose id was given to a new process, is only found by its expired lease.
 */
export function ownerHasEnded(owner: string): boolean {
  const parsed = LeaseOwner.safeParse(parseJson(owner));
  if (!parsed.success) return false;
  const [host, pid] = parsed.data;
  return host === hostname() && !processExists(pid);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists, under another user.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
