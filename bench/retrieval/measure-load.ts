import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Figure } from "../figures.ts";

/** A file that takes longer than this stops the engine, as far as its users can tell. */
const LIMIT_SECONDS = 90;

const HOSTILE = {
  sentences: "text of 80,000 sentences of one letter",
  "pdf-bomb": "PDF of 2 kB that unpacks to 200 MB",
  fifo: "named pipe",
  "long-line": "Markdown of 200,000 open brackets",
  "nested-html": "HTML nested 200,000 deep",
};

const Load = z.object({
  seconds: z.number(),
  blockedSeconds: z.number(),
  peakMiB: z.number(),
  isAnswered: z.boolean(),
});
type Load = z.infer<typeof Load>;

/** Time and memory to index 10,000 files, and whether a hostile file stops the engine from answering about others. */
export async function measureLoad(): Promise<Figure[]> {
  const generated = await runLoad("generated", 10 * LIMIT_SECONDS);
  const figures: Figure[] =
    generated === null
      ? []
      : [
          {
            figure: "10,000 new files: until the first answer",
            value: generated.seconds,
            unit: "s",
          },
          { figure: "10,000 new files: peak memory", value: generated.peakMiB, unit: "MiB" },
        ];
  for (const [name, description] of Object.entries(HOSTILE)) {
    const load = await runLoad(name, LIMIT_SECONDS);
    const about = `beside a ${description}`;
    if (load === null || !load.isAnswered) {
      figures.push({
        figure: `${about}: no answer within`,
        value: load?.seconds ?? LIMIT_SECONDS,
        unit: "s",
      });
    } else {
      figures.push(
        { figure: `${about}: answered after`, value: load.seconds, unit: "s" },
        { figure: `${about}: longest pause`, value: load.blockedSeconds, unit: "s" },
      );
    }
  }
  return figures;
}

/** Null when the process did not end in time. Throws when it failed by itself: that is no figure. */
async function runLoad(name: string, limitSeconds: number): Promise<Load | null> {
  const script = fileURLToPath(new URL("load.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, name], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: limitSeconds * 1_000,
    killSignal: "SIGKILL",
  });
  let text = "";
  for await (const part of child.stdout) text += String(part);
  if (text === "" && !child.killed) throw new Error(`The load ${name} failed`);
  return text === "" ? null : Load.parse(JSON.parse(text));
}
