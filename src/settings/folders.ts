import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { UsageError } from "../runtime/usage-error.ts";

/** This user has no home folder, and something was to be found there. */
export class NoHomeFolder extends UsageError {
  override readonly name = "NoHomeFolder";
}

/** An absolute path; `~` is the user's home folder. Throws {@link NoHomeFolder} where there is none. */
export function resolvePath(path: string): string {
  return resolve(/^~(?=$|[/\\])/.test(path) ? path.replace("~", homeFolder()) : path);
}

/** Throws {@link NoHomeFolder} where there is none. */
export function homeFolder(): string {
  try {
    return homedir();
  } catch (cause) {
    // A user id without an entry in the system's list of users, as containers have them.
    throw new NoHomeFolder("This user has no home folder: set HOME, or write whole paths.", {
      cause,
    });
  }
}

/** Where programs of this system keep their data; undefined where nothing says so. */
export function dataFolder(env: NodeJS.ProcessEnv): string | undefined {
  const name = "task-run-mcp";
  const inHome = (...parts: string[]) => {
    try {
      return join(homeFolder(), ...parts);
    } catch {
      return undefined;
    }
  };
  const below = (folder: string | undefined, ...parts: string[]) =>
    folder === undefined ? undefined : join(folder, ...parts);
  switch (process.platform) {
    case "darwin":
      return inHome("Library", "Application Support", name);
    case "win32":
      return below(env["LOCALAPPDATA"] || inHome("AppData", "Local"), name, "Data");
    default:
      return below(env["XDG_DATA_HOME"] || inHome(".local", "share"), name);
  }
}

/** What tells where other programs of this user keep their settings. */
export interface Machine {
  platform: NodeJS.Platform;
  home: string;
  env: NodeJS.ProcessEnv;
}
