import { Webhook } from "standardwebhooks";
import { UsageError } from "../../runtime/usage-error.ts";

/** A secret that signs webhooks, as the key of their HMAC. */
export interface WebhookSecret {
  key: Uint8Array;
}

/** A configured webhook secret cannot be used. The message never holds it. */
export class BadWebhookSecret extends UsageError {
  override readonly name = "BadWebhookSecret";
}

const PREFIX = "whsec_";

/**
 * Reads a secret as it is configured: `decoded:` or `raw:` and the secret, or the secret alone. The key of a `decoded`
 * one is what follows `whsec_`, base64-decoded, as Standard Webhooks has it; that of a `raw` one the whole string as it
 * is, as receivers written after the Task API's older documentation expect. Alone, `whsec_` with valid base64 after it
 * is `decoded`, everything else `raw`. Throws {@link BadWebhookSecret}. Source: Task API, "Signature".
 */
export function readWebhookSecret(text: string): WebhookSecret {
  const [, form, secret = ""] = /^(?:(decoded|raw):)?(.*)$/s.exec(text.trim()) ?? [];
  if (secret === "" || secret === PREFIX) {
    throw new BadWebhookSecret(
      `A webhook secret is empty; write ${PREFIX} and 24 to 64 bytes in base64.`,
    );
  }
  const decoded = decode(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret);
  if (form === "decoded" && decoded === undefined) {
    throw new BadWebhookSecret(
      "A webhook secret to be decoded is not valid base64. Correct it, or write raw: before it to use it as it is.",
    );
  }
  const isDecoded = form === "decoded" || (form === undefined && secret.startsWith(PREFIX));
  return { key: (isDecoded && decoded) || new TextEncoder().encode(secret) };
}

/** The bytes of standard base64 with its padding; Node's own decoder would take anything. */
function decode(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** The value of `webhook-signature` for a message; null when there is no secret to sign with. */
export type SignWebhook = (webhookId: string, at: Date, body: string) => string | null;

/** Signs with every secret, so that one can be replaced while receivers still know only the other. */
export function createSigner(secrets: readonly WebhookSecret[]): SignWebhook {
  const signers = secrets.map(({ key }) => new Webhook(key, { format: "raw" }));
  return (webhookId, at, body) =>
    signers.length === 0
      ? null
      : signers.map((signer) => signer.sign(webhookId, at, body)).join(" ");
}
