import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** The two ends of a terminal. */
export interface Terminal {
  stdin: Readable & { isTTY?: boolean | undefined };
  stdout: NodeJS.WritableStream & { isTTY?: boolean | undefined };
}

export function isInteractive({ stdin, stdout }: Terminal): boolean {
  return stdin.isTTY === true && stdout.isTTY === true;
}

/** Asks a yes-or-no question; only `y` and `yes` mean yes. Rejects when `signal` aborts. */
export async function confirm(
  question: string,
  { stdin, stdout }: Terminal,
  signal: AbortSignal,
): Promise<boolean> {
  signal.throwIfAborted();
  const prompt = createInterface({ input: stdin, output: stdout });
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      // Ctrl-D closes the prompt, and so does Ctrl-C, which readline handles itself while it reads.
      prompt.once("close", () => resolve(""));
      prompt.question(`${question} [y/N] `, resolve);
    });
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
