import { UsageError } from "../runtime/usage-error.ts";

/** How a command ends, for scripts. */
export const ExitCode = {
  done: 0,
  /** The run failed, or the backend could not be used. */
  failed: 1,
  /** The command line or a setting is wrong; nothing was started. */
  usage: 2,
  /** Ctrl+C, by the convention of shells: 128 + SIGINT. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** The exit code for an error that ended a command, whatever it was wrapped in. */
export function exitCodeOf(error: unknown): ExitCode {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof UsageError) return ExitCode.usage;
  }
  return ExitCode.failed;
}
