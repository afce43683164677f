import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { UsageError } from "../runtime/usage-error.ts";

/** The user has no home folder, but a path needs one. */
export class NoHomeFolder extends UsageError {
  override readonly name = "NoHomeFolder";
}

/** Returns an absolute path and replaces `~`. Throws {@link NoHomeFolder} when `~` has no meaning. */
export function resolvePath(path: string): string {
  return resolve(/^~(?=$|[/\\])/.test(path) ? path.replace("~", homeFolder()) : path);
}

/** Throws {@link NoHomeFolder} when the user has none. */
export function homeFolder(): string {
  try {
    return homedir();
  } catch (cause) {
    // Containers often run as a user id without an entry in /etc/passwd.
    throw new NoHomeFolder("This user has no home folder. Set HOME, or write absolute paths.", {
      cause,
    });
  }
}

/** The platform's data folder for this program; undefined when the user has no home folder. */
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

/** Decides where other programs keep their settings. */
export interface Machine {
  platform: NodeJS.Platform;
  home: string;
  env: NodeJS.ProcessEnv;
}
