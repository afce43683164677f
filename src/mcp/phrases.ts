import type { JsonObject } from "../task-api/task-spec.ts";

/** A call the reader can make as it stands. */
export function callText(tool: string, args: JsonObject): string {
  return `${tool} ${JSON.stringify(args)}`;
}

/** 90 -> "1.5 min". For latency bands, which are round numbers. */
export function durationText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Number((seconds / 60).toFixed(1))} min`;
  return `${Number((seconds / 3_600).toFixed(1))} h`;
}
