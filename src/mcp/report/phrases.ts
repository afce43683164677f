import type { JsonObject } from "../../task-api/task-spec.ts";
import { cleanValue } from "../../text/clean-text.ts";
import { jsonText } from "../../text/json.ts";

/** JSON as part of a text: cleaned before it is written, because its escapes would hide what is to be removed. */
export function shownJson(value: unknown, indent?: number): string {
  return jsonText(cleanValue(value), indent);
}

/** A call the reader can make as it stands. */
export function callText(tool: string, args: JsonObject): string {
  return `${tool} ${shownJson(args)}`;
}

/** A call about the run or group whose id stands in the same answer, on a line of its own. */
export function callWithId(tool: string, args: JsonObject = {}): string {
  const id = tool.endsWith("_group") ? "this taskgroup_id" : "this run_id";
  const parts = [id, ...Object.entries(args).map(([name, value]) => `${name} ${shownJson(value)}`)];
  const last = parts.pop() ?? "";
  return `${tool} with ${parts.length === 0 ? last : `${parts.join(", ")} and ${last}`}`;
}

/** A time to the second: nothing that readers decide hangs on less. */
export function timeText(time: string): string {
  return time.replace(/\.\d+(?=Z|[+-]\d\d:?\d\d$|$)/, "");
}

const RUN_PREFIX = "trun_";
const GROUP_PREFIX = "tgrp_";

/** Whether an id is a task group's, where a run's is asked for. Other backends' ids may look like neither. */
export const isGroupId = (id: string): boolean => id.startsWith(GROUP_PREFIX);
export const isRunId = (id: string): boolean => id.startsWith(RUN_PREFIX);

/** The call that reads what an id stands for, or (`cancel`) stops it. */
export function callFor(id: string, verb: "get" | "cancel" = "get"): string {
  return isGroupId(id)
    ? callText(`${verb}_task_group`, { taskgroup_id: id })
    : callText(`${verb}_task_run`, { run_id: id });
}

/** 90 -> "1.5 min". For latency bands, which are round numbers. */
export function durationText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Number((seconds / 60).toFixed(1))} min`;
  return `${Number((seconds / 3_600).toFixed(1))} h`;
}

/** How long ago something was, in the largest unit that fits: "3 h ago". */
export function agoText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 48 * 60
    ? `${Math.floor(minutes / 60)} h ago`
    : `${Math.floor(minutes / 1_440)} d ago`;
}
