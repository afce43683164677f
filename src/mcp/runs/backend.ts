import type { Followers, GroupFollowers } from "../../client/follow/followers.ts";
import type { TaskApiClient } from "../../client/task-api-client.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { PriceList } from "./price-list.ts";

/** The Task API in use, the means to call it, and the memory of what was started there. */
export interface Backend {
  kind: "hosted" | "custom" | "embedded";
  client: TaskApiClient;
  followers: Followers;
  groupFollowers: GroupFollowers;
  prices: PriceList;
  ledger: Ledger;
  /** Why the ledger is lost when this process ends; null when it is on disk. */
  ledgerFallbackReason: string | null;
}

/** The notes of a report when the ledger is not as durable as a user expects. */
export function ledgerNotes({
  ledgerFallbackReason,
}: Pick<Backend, "ledgerFallbackReason">): string[] {
  if (ledgerFallbackReason === null) return [];
  return [
    `The record of started runs is kept in memory only and ends with this server: ${ledgerFallbackReason} Keep the ids.`,
  ];
}

/**
 * The backend could not be opened because of the configuration or the disk, not because of the call. Callers see the
 * message, so it says what to do and contains no secret.
 */
export class BackendUnavailable extends Error {
  override readonly name = "BackendUnavailable";
  /** The settings of this server that are to be corrected, a sentence for each; empty when it is something else. */
  readonly wrongSettings: readonly string[];

  constructor(message: string, options?: ErrorOptions & { wrongSettings?: readonly string[] }) {
    super(message, options);
    this.wrongSettings = options?.wrongSettings ?? [];
  }
}
