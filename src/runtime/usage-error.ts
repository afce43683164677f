/**
 * The command line, a setting or a file that a setting names cannot be used. The message says what to write instead;
 * nothing was started. Commands end with exit code 2.
 */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}
