import { createHash } from "node:crypto";

/** The owner of runs: a ledger shows the runs of one principal on one account, and no others. */
export interface LedgerScope {
  /** `embedded`, or the base URL of the Task API. */
  backend: string;
  /** Which account; see {@link fingerprintKey}. Null for a backend without keys. */
  keyFingerprint: string | null;
  /** The caller, when the server knows several. */
  principal: string | null;
}

/** An identifier of an API key that does not reveal the key: 16 hexadecimal digits, the same in every process. */
export function fingerprintKey(apiKey: string): string {
  // With a prefix, so that a list of plain hashes of known keys does not match.
  return hash("task-run-mcp ledger key", apiKey).slice(0, 16);
}

/** How a scope is written in the file: hashes, so that no URL, key or name of a person is in it. */
export interface ScopeIds {
  /** Backend and key: what one bill is for. */
  account: string;
  /** Account and principal. */
  scope: string;
}

export function scopeIds({ backend, keyFingerprint, principal }: LedgerScope): ScopeIds {
  const account = JSON.stringify([backend, keyFingerprint]);
  return {
    account: hash("account", account).slice(0, ID_CHARS),
    scope: hash("scope", account, JSON.stringify(principal)).slice(0, ID_CHARS),
  };
}

/** 128 bits: no two scopes ever meet, and indexes stay small. */
const ID_CHARS = 32;

function hash(...parts: string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("hex");
}
