import type { RunEvidence } from "../../task-api/evidence.ts";
import { TaskApiError } from "../../client/errors.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import { InvalidArguments } from "../arguments/argument-problems.ts";
import { buildPassagesReport } from "../report/build-passages-report.ts";
import { passageIdsIn } from "../report/reading/passages.ts";
import type { RunReport } from "../report/run-report.ts";
import type { OpenCall } from "./call-context.ts";
import { type ReadRunContext, readRun } from "./read-run.ts";

/** What of the sources of a run to read. */
export interface PassageSelection {
  /** `p1.4`: a passage and its neighbours; `p1`: the outline of a document; `more`: the next hits. */
  asked: string;
  around: number;
  /** Where a list of headings or hits begins. */
  offset: number;
}

/** Hits that are read at once: more than an answer shows, so that one request mostly finds others. */
const HITS_AT_ONCE = 20;

/**
 * Reads on in what a run has read. Throws `InvalidArguments` when the backend has nothing to read, and what the client
 * throws.
 */
export async function readPassages(
  runId: string,
  { asked, around, offset }: PassageSelection,
  call: OpenCall,
): Promise<RunReport> {
  const { client, kind } = call.backend;
  if (kind === "hosted") {
    const fix = "the hosted API keeps no passages to read; leave it out and use the citations";
    throw new InvalidArguments([{ argument: "passage", fix }]);
  }
  const { signal } = call;
  const isList = asked === "more";
  // The run first: where the evidence is not found, the run surely is.
  const { seen } = await readRun(runId, { include: isList ? "answer" : "state" }, call);
  const { run } = seen;
  if (!isList) {
    const query = asked.includes(".") ? { passage: asked, around } : { page: asked };
    const evidence = await client.readEvidence(runId, query, { signal });
    return buildPassagesReport({ run, evidence, asked, offset, known: new Set() });
  }
  const known = namedPassages(seen);
  let from = offset;
  for (;;) {
    const query = { offset: from, limit: HITS_AT_ONCE };
    const evidence: RunEvidence = await client.readEvidence(runId, query, { signal });
    const isKnown = evidence.passages.every(({ id }) => known.has(id));
    if (!isKnown || evidence.next_offset === null) {
      return buildPassagesReport({ run, evidence, asked, offset: from, known });
    }
    from = evidence.next_offset;
  }
}

function namedPassages({ output }: RunSnapshot): Set<string> {
  return output === null ? new Set() : passageIdsIn(JSON.stringify(output));
}

/** A passage that the answer names and that can be read on from; undefined where there is none. */
export async function findReadablePassage(
  seen: RunSnapshot,
  { backend: { client, kind }, signal }: ReadRunContext,
): Promise<string | undefined> {
  const [first] = namedPassages(seen);
  if (first === undefined || kind === "hosted") return undefined;
  try {
    // Other backends may write what only looks like an id.
    await client.readEvidence(seen.run.run_id, { passage: first, around: 0 }, { signal });
    return first;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TaskApiError) return undefined;
    throw error;
  }
}
