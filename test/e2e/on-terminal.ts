import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";
import { onFinished } from "../on-finished.ts";
import { BINARY, type Launch, environment } from "./built-binary.ts";

/** Whether there is the program that gives a command a terminal of its own, as Linux has it. */
export const hasTerminals =
  process.platform === "linux" && spawnSync("script", ["--version"]).status === 0;

export const CTRL_C = "\u0003";

/** Our program on a terminal. */
export interface OnTerminal {
  /** Resolves with what was shown so far, once it matches. */
  until(shown: RegExp): Promise<string>;
  type(keys: string): void;
  /** How it ended, and all that it has shown. */
  ended(): Promise<{ code: number; shown: string }>;
}

/** Starts our program on a terminal of its own: its input, output and errors are one. */
export function startOnTerminal({ args = [], ...options }: Launch): OnTerminal {
  const words = [process.execPath, BINARY, ...args].map((word) => `'${word}'`);
  const child = spawn("script", ["-qefc", words.join(" "), "/dev/null"], {
    env: { ...environment(options), SHELL: "/bin/sh", TERM: "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  onFinished(() => void child.kill("SIGKILL"));
  const output = collect(child);
  return {
    until: output.until,
    type: (keys) => void child.stdin.write(keys),
    async ended() {
      const code = child.exitCode ?? (await once(child, "exit"))[0];
      return { code: z.number().parse(code), shown: output.text() };
    },
  };
}

function collect(child: ChildProcess & { stdout: NonNullable<ChildProcess["stdout"]> }) {
  let text = "";
  let onMore = () => {};
  child.stdout.on("data", (chunk) => {
    text += String(chunk);
    onMore();
  });
  child.stdout.on("end", () => onMore());
  return {
    text: () => text,
    until: (shown: RegExp) =>
      new Promise<string>((resolve, reject) => {
        onMore = () => {
          if (shown.test(text)) resolve(text);
          else if (child.stdout.readableEnded) reject(new Error(`It ended with: ${text}`));
        };
        onMore();
      }),
  };
}
