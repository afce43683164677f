import { createHash } from "node:crypto";
import { isJsonObject } from "../task-api/task-spec.ts";

/** SHA-256 of a request as JSON with sorted keys: equal for equal requests, and reveals nothing of their content. */
export function fingerprintRequest(request: unknown): string {
  return createHash("sha256").update(JSON.stringify(request, sortKeys)).digest("hex");
}

function sortKeys(_key: string, value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
