import { text } from "node:stream/consumers";
import { hashKey } from "../../http-server/hashed-keys.ts";
import { ExitCode } from "../exit-code.ts";
import { UsageError } from "../../runtime/usage-error.ts";

/** `task-run-mcp hash-key`: a key on stdin, its hash on stdout. Never an argument: those are seen by everybody. */
export async function hashKeyCommand({
  stdin,
  stdout,
}: {
  stdin: NodeJS.ReadableStream;
  stdout: NodeJS.WritableStream;
}): Promise<ExitCode> {
  const key = (await text(stdin)).trim();
  if (key === "") throw new UsageError("hash-key reads the key from stdin, and there was none");
  stdout.write(`${hashKey(key)}\n`);
  return ExitCode.done;
}
