import { createHmac, timingSafeEqual } from "node:crypto";
import { parseJson } from "../text/json.ts";

/** The result of receiving a webhook. */
export type ReceivedWebhook =
  /** A run has a new status. Acknowledge at once, and act on it afterwards. */
  | { kind: "run_update"; runId: string; status: string }
  /** Genuine and nothing to act on: it came before, or is about something else. Acknowledge it. */
  | { kind: "ignored" }
  /** Answer with this HTTP status. The reason is for the log and the sender; it contains nothing secret. */
  | { kind: "refused"; httpStatus: 400 | 401 | 503; reason: string };

export interface WebhookReceiver {
  /** `body` is what arrived, byte for byte: that is what was signed. */
  receive(headers: Headers, body: Uint8Array): ReceivedWebhook;
}

/** Standard Webhooks: a receiver rejects timestamps that are older, or further in the future, than this. */
const TOLERANCE_SECONDS = 300;
/** Ids of the last webhooks: many times what arrives while a sender repeats one that was not acknowledged. */
const REMEMBERED_IDS = 10_000;
/** Ids have some 30 characters; several signatures of 50 each come while a secret is being replaced. */
const MAX_HEADER_CHARS = 1_000;

/**
 * Receives webhooks about runs. Without a secret none can be verified, so all are rejected. Source: Task API,
 * "Signature"; Standard Webhooks.
 */
export function createWebhookReceiver({
  secrets,
  now,
}: {
  secrets: readonly string[];
  /** Milliseconds since the epoch. */
  now: () => number;
}): WebhookReceiver {
  const keys = secrets.flatMap(keysOf);
  const seen = new Set<string>();

  return {
    receive(headers, body) {
      if (keys.length === 0) return refused(503, "no webhook secret is configured");
      const id = headerOf(headers, "webhook-id");
      const timestamp = headerOf(headers, "webhook-timestamp");
      const signature = headerOf(headers, "webhook-signature");
      if (id === null || timestamp === null || signature === null) {
        return refused(400, "a webhook header is missing or too long");
      }
      if (!/^\d{1,12}$/.test(timestamp)) return refused(400, "webhook-timestamp is not a time");
      const ageSeconds = now() / 1_000 - Number(timestamp);
      if (Math.abs(ageSeconds) > TOLERANCE_SECONDS) {
        return refused(401, "webhook-timestamp is too far from this server's time");
      }
      if (!isSigned(`${id}.${timestamp}.`, body, signature)) {
        return refused(401, "no signature fits");
      }
      // Only after the signature check: unsigned requests must not push genuine ids out of memory.
      if (seen.has(id)) return { kind: "ignored" };
      remember(id);
      return readNews(body);
    },
  };

  /** Every signature against every key: secrets are replaced while both are in use. */
  function isSigned(start: string, body: Uint8Array, signatures: string): boolean {
    const wanted = keys.map((key) => createHmac("sha256", key).update(start).update(body).digest());
    return signatures.split(" ").some((entry) => {
      const [version, text = ""] = entry.split(",", 2);
      if (version !== "v1") return false;
      const given = Buffer.from(text, "base64");
      return wanted.some((one) => one.length === given.length && timingSafeEqual(one, given));
    });
  }

  function remember(id: string): void {
    seen.add(id);
    const [oldest] = seen;
    if (seen.size > REMEMBERED_IDS && oldest !== undefined) seen.delete(oldest);
  }
}

/**
 * The possible keys of a secret: the part after `whsec_`, base64-decoded, and the whole string as it is. Both are in
 * use, and the sender does not say which.
 */
function keysOf(secret: string): Buffer[] {
  const text = secret.trim();
  if (text === "") return [];
  const encoded = text.startsWith("whsec_") ? text.slice("whsec_".length) : text;
  const decoded = Buffer.from(encoded, "base64");
  // Node's decoder accepts any text, so encode the result again to check that it was base64.
  const isBase64 = decoded.length > 0 && decoded.toString("base64") === encoded;
  return isBase64 ? [Buffer.from(text), decoded] : [Buffer.from(text)];
}

function headerOf(headers: Headers, name: string): string | null {
  const value = headers.get(name);
  return value === null || value === "" || value.length > MAX_HEADER_CHARS ? null : value;
}

function readNews(body: Uint8Array): ReceivedWebhook {
  let event: unknown;
  try {
    event = parseJson(Buffer.from(body).toString("utf8"));
  } catch {
    return refused(400, "the body is not JSON");
  }
  const run = fieldOf(event, "data");
  const runId = fieldOf(run, "run_id");
  const status = fieldOf(run, "status");
  if (fieldOf(event, "type") !== "task_run.status") return { kind: "ignored" };
  if (typeof runId !== "string" || typeof status !== "string") {
    return refused(400, "the body names no run");
  }
  return { kind: "run_update", runId, status };
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function refused(httpStatus: 400 | 401 | 503, reason: string): ReceivedWebhook {
  return { kind: "refused", httpStatus, reason };
}
