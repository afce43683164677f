import { isIP } from "node:net";
import type { RunWarning } from "../../task-api/run.ts";
import { type Network, refusalReason } from "../outgoing/networks.ts";

/** How an engine handles the webhooks of runs. */
export interface WebhookRules {
  /** Networks they may be on, besides the public internet. */
  allowed: readonly Network[];
  /** Whether there is a secret to sign them with. */
  areSigned: boolean;
}

/**
 * Why no webhook could ever be delivered to this URL, judged by the URL alone; null if there is no reason. Host names
 * are resolved only when a webhook is sent; then their addresses are checked too.
 */
export function refusalOfWebhookUrl(url: string, allowed: readonly Network[]): string | null {
  const { hostname, port, protocol, username, password } = new URL(url);
  if (username !== "" || password !== "") {
    return "leave the user name and password out; webhooks are authenticated by their signature";
  }
  const address = addressOf(hostname);
  if (address === undefined) return null;
  const reason = refusalReason(
    address,
    Number(port) || (protocol === "https:" ? 443 : 80),
    allowed,
  );
  return reason === null
    ? null
    : `the engine does not connect to ${hostname}: ${reason}; use a public address, or ask its operator to allow the network`;
}

function addressOf(hostname: string): string | undefined {
  const bare = hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(bare) !== 0) return bare;
  // Names under `localhost` are the machine itself, by definition (RFC 6761).
  return /(?:^|\.)localhost\.?$/.test(hostname) ? "127.0.0.1" : undefined;
}

/** For a run whose webhook is sent without a signature, because the engine has no secret to sign with. */
export const UNSIGNED_WEBHOOK_WARNING: RunWarning = {
  type: "warning",
  message:
    "The webhook will not be signed, because this engine has no webhook secret; its receiver cannot tell who sent it.",
  detail: null,
};
