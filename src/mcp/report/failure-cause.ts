import type { RunError } from "../../task-api/run.ts";
import { isJsonObject } from "../../task-api/task-spec.ts";

/** `chance`: the same run may succeed. `task`: it would fail again as it is. `unknown`: the error does not tell. */
export type FailureCause = "chance" | "task" | "unknown";

/**
 * The Task API has no code for why a run failed, only `message` and an open `detail` (5.4). A list of problems in the
 * detail is the one of a request that does not validate (15.1), and a number there may be an HTTP status (15.2).
 */
const PASSING_STATUS: ReadonlySet<unknown> = new Set([408, 429, 500, 502, 503, 504]);
const REFUSED_STATUS: ReadonlySet<unknown> = new Set([400, 413, 422]);

const PASSING_WORDS =
  /\b(internal|temporar(?:y|ily)|transient|time(?:d[ -]?|-| )?out|rate[ -]limit|too many requests|overloaded|unavailable|try again|worker was lost|engine failed|connection|network|50[0234]|429)\b/i;
const TASK_WORDS =
  /\b(schema|validat(?:e|ion)|invalid|unprocessable|unsupported|not supported|malformed|too long|too large|too many fields)\b/i;

/** Whether a failed run is worth starting again as it was. */
export function failureCause({ message, detail }: RunError): FailureCause {
  if (isJsonObject(detail)) {
    if (Array.isArray(detail["errors"])) return "task";
    const numbers = ["status", "status_code", "code"].map((name) => Number(detail[name]));
    if (numbers.some((number) => PASSING_STATUS.has(number))) return "chance";
    if (numbers.some((number) => REFUSED_STATUS.has(number))) return "task";
  }
  if (PASSING_WORDS.test(message)) return "chance";
  return TASK_WORDS.test(message) ? "task" : "unknown";
}
