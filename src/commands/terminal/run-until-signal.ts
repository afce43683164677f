import { ExitCode } from "../exit-code.ts";

/** What the work comes to, unless the user stops it: then `message` says what that means. */
export async function unlessInterrupted(
  {
    signal,
    stderr,
    message,
  }: { signal: AbortSignal; stderr: NodeJS.WritableStream; message: string },
  work: () => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    return await work();
  } catch (error) {
    if (!signal.aborted) throw error;
    stderr.write(`${message}\n`);
    return ExitCode.interrupted;
  }
}
