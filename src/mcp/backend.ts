import type { Followers } from "../client/follower.ts";
import type { TaskApiClient } from "../client/task-api-client.ts";

/** The Task API in use, and the means to call it. */
export interface Backend {
  kind: "hosted" | "custom" | "embedded";
  client: TaskApiClient;
  followers: Followers;
}

/**
 * The backend could not be opened: a configuration or a disk is at fault, not the call. Callers are shown the message,
 * so it says what to do and holds no secret.
 */
export class BackendUnavailable extends Error {
  override readonly name = "BackendUnavailable";
}
