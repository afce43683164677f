/** What to do about {@link filesWereReplaced}. */
export const FILES_REPLACED =
  "The program's files were replaced while it ran, as an update does. Restart the client, or this server.";

/** Whether a module could not be loaded because another version has replaced the files. */
export function filesWereReplaced(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && cause.code === "ERR_MODULE_NOT_FOUND") return true;
    if (cause instanceof SyntaxError && /does not provide an export named/.test(cause.message)) {
      return true;
    }
  }
  return false;
}
