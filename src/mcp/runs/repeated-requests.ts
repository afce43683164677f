import { LedgerUnavailable } from "../../ledger/errors.ts";
import { fingerprintRequest } from "../../ledger/fingerprint-request.ts";
import type { LedgerEntry } from "../../ledger/ledger.ts";
import { DAY_MS } from "../../ledger/spending.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import type { OpenCall } from "./call-context.ts";
import { agoText, oneLine } from "../report/text.ts";
import { DuplicateRefused } from "./cost-errors.ts";
import { type RefreshContext, refreshEntries } from "./refresh-entries.ts";

/** An input that has a run in the ledger; `place` is its number, from 1. */
interface Repeat {
  place: number;
  entry: LedgerEntry;
}

/** At most this many are named, as examples. */
const REPEATS_SHOWN = 3;

/**
 * The inputs that have an active or completed run of the last 24 hours, as the backend has it now. Inputs are compared as
 * they are sent, the processor included.
 */
async function findRepeats(inputs: readonly RunInput[], call: RefreshContext): Promise<Repeat[]> {
  const { ledger } = call.backend;
  const fingerprints = inputs.map(fingerprintRequest);
  const find = () => ledger.findAlike(fingerprints, call.clock.now() - DAY_MS);
  let alike = await find();
  const active = [...alike.values()].filter(({ isActive }) => isActive);
  if (active.length > 0) {
    await refreshEntries(active, call);
    alike = await find();
  }
  return fingerprints.flatMap((fingerprint, index) => {
    const entry = alike.get(fingerprint);
    return entry === undefined ? [] : [{ place: index + 1, entry }];
  });
}

/**
 * A note about the inputs that were sent before, or none. When the ledger cannot be read, only a call with
 * `refuse_duplicate` fails. Throws `DuplicateRefused`, and `LedgerUnavailable`.
 */
export async function checkRepeats(
  inputs: readonly RunInput[],
  { refuse_duplicate: isRefused = false }: { refuse_duplicate?: boolean | undefined },
  call: RefreshContext,
): Promise<string[]> {
  try {
    const repeats = await findRepeats(inputs, call);
    if (repeats.length === 0) return [];
    const text = repeatsText(repeats, inputs.length, call.clock.now());
    if (isRefused) throw new DuplicateRefused(text);
    return [text];
  } catch (error) {
    if (error instanceof LedgerUnavailable && !isRefused) return [];
    throw error;
  }
}

/** The text about a call with a key that is already in the ledger. */
export function keyedText(entry: LedgerEntry, nowMs: number): string {
  return entry.runId === null
    ? "The idempotency_key was used before, and it is not known whether that run was started; the call looks for it."
    : `The idempotency_key stands for ${runText(entry, nowMs)}: the call returns that run and starts none.`;
}

/** "The same question is answered already: trun_… (completed 3 h ago)." */
function repeatsText(repeats: readonly Repeat[], asked: number, nowMs: number): string {
  const [first] = repeats;
  if (asked === 1 && first !== undefined) {
    const how = first.entry.isActive ? "is being answered" : "is answered already";
    return `The same question ${how}: ${runText(first.entry, nowMs)}.`;
  }
  const shown = repeats
    .slice(0, REPEATS_SHOWN)
    .map(({ place, entry }) => `input ${place}: ${runText(entry, nowMs)}`);
  const more = repeats.length > shown.length ? "; ..." : "";
  return `${repeats.length} of ${asked} inputs were asked already: ${shown.join("; ")}${more}.`;
}

/** trun_… (completed 3 h ago) */
function runText(
  { runId, status, isActive, createdAt, finishedAt }: LedgerEntry,
  nowMs: number,
): string {
  const when = isActive
    ? `${status}, started ${agoText(nowMs - Date.parse(createdAt))}`
    : `${status} ${agoText(nowMs - Date.parse(finishedAt ?? createdAt))}`;
  return `${oneLine(runId ?? "", 100)} (${oneLine(when, 100)})`;
}

/** A note about the run that a follow-up continues, or none; in a dry run also a note that no such run is known. */
export async function noteParent(
  { previous_interaction_id: previous }: RunInput,
  { backend: { ledger } }: Pick<OpenCall, "backend">,
  isDry: boolean,
): Promise<string[]> {
  if (!previous) return [];
  try {
    const parent = await ledger.findByInteraction(previous);
    if (parent?.runId) return [`A follow-up of ${oneLine(parent.runId, 100)}.`];
    return isDry
      ? ["previous_interaction_id: no run started here has it; the backend may refuse it."]
      : [];
  } catch (error) {
    if (error instanceof LedgerUnavailable) return [];
    throw error;
  }
}
