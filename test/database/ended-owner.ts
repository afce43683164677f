import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The name of a process of this machine that has ended. */
export function endedOwner(): string {
  const script = fileURLToPath(new URL("print-process-owner.ts", import.meta.url));
  return String(spawnSync(process.execPath, ["--import", "tsx", script]).stdout);
}
