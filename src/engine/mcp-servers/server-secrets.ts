import type { McpServerEntry } from "../../task-api/run-input.ts";
import { createRedact, secretsIn } from "../../text/redact.ts";

/** Removes the secrets of one MCP server from text that came from it or is about it. */
export interface ServerRedaction {
  /** Redacts a text for errors, warnings, events and logs: every secret is removed. */
  inMessage(text: string): string;
  /**
   * Redacts the quoted result of a tool: a value that is an ordinary word is not removed, so that no words are missing.
   */
  inResult(text: string): string;
}

/** A key: long, or letters and digits mixed. `Germany` and `research-bot` are none, `k3y-f0r-me` is one. */
function looksLikeKey(value: string): boolean {
  return value.length >= 24 || (value.length >= 8 && /\p{L}/u.test(value) && /\d/.test(value));
}

/**
 * Servers repeat what they were sent, in errors most of all. Secret is every header value, whole and without its scheme
 * (`Bearer …`), and what the URL's query and user name hold, where keys are given, too.
 */
export function redactServer({ url, headers }: McpServerEntry): ServerRedaction {
  const { search, searchParams, username, password } = new URL(url);
  const written = search.split("&").map((pair) => pair.slice(pair.indexOf("=") + 1));
  const secrets = secretsIn([
    ...Object.values(headers ?? {}),
    ...written,
    ...searchParams.values(),
    username,
    password,
  ]);
  return {
    inMessage: createRedact(secrets),
    inResult: createRedact(secrets.filter(looksLikeKey)),
  };
}

/** The server's address as it may be shown and cited: without user name, query and fragment. */
export function publicUrl(url: string): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  shown.search = "";
  shown.hash = "";
  return shown.href;
}
