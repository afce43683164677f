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

/** Asks a question that is answered by y or n; anything else, and leaving, means no. Rejects when `signal` aborts. */
export async function askPerson(
  question: string,
  { stdin, stdout }: Terminal,
  signal: AbortSignal,
): Promise<boolean> {
  signal.throwIfAborted();
  const prompt = createInterface({ input: stdin, output: stdout });
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      // Ctrl+D; and Ctrl+C, which the prompt takes for itself while it reads.
      prompt.once("close", () => resolve(""));
      prompt.question(`${question} [y/N] `, resolve);
    });
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
