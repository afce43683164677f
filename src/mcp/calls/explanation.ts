import type { JsonObject } from "../../task-api/task-spec.ts";

/** What a caller needs to know about a call that failed. */
export interface Explanation {
  /** What happened, in our words. */
  summary: string;
  /** Whose move it is, and the move. */
  nextStep: string;
  /** What others said about it, if anything: text from outside. */
  upstream: { from: "the run" | "the backend"; text: string } | null;
}

/** The call that failed. */
export interface FailedCall {
  tool: string;
  args: JsonObject;
}
