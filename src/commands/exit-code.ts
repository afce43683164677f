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

/** The command line asks for something that cannot be: the message says what to write instead. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Errors that say that a setting is wrong, by name: their classes load only with the commands that throw them. */
const SETTING_ERRORS: ReadonlySet<string> = new Set([
  "UsageError",
  "BadSetting",
  "NoHomeFolder",
  "InvalidBaseUrl",
  "InvalidApiKey",
  "DocumentFolderUnusable",
  "ScriptInvalid",
  "TenantsFileUnusable",
  "BadNetwork",
  "BadWebhookSecret",
  "ClientConfigUnusable",
]);

/** The exit code for an error that ended a command, whatever it was wrapped in. */
export function exitCodeOf(error: unknown): ExitCode {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (SETTING_ERRORS.has(cause.name)) return ExitCode.usage;
  }
  return ExitCode.failed;
}
