import { z } from "zod";
import type { WaitLimits } from "./tool.ts";

/** Ids are opaque; what cannot be one is a mistake worth naming. */
export const RunId = z
  .string({ error: "required: the run_id that create_task_run returned" })
  .trim()
  .regex(/^\S{1,200}$/, "write one run_id exactly as create_task_run returned it");

export const WaitSeconds = z.number("write a number of seconds").min(0, "write 0 or more seconds");

/** How long a call waits. `isCapped`: it asked for more than this server allows. */
export interface Wait {
  seconds: number;
  isCapped: boolean;
}

export function boundWait(askedSeconds: number, { maxSeconds }: WaitLimits): Wait {
  return { seconds: Math.min(askedSeconds, maxSeconds), isCapped: askedSeconds > maxSeconds };
}
