import type { Logger } from "pino";
import type { Clock } from "../../../runtime/clock.ts";
import { Forbidden, RequestRejected, RunNotFound, Unauthorized } from "../../../client/errors.ts";
import type { RunSnapshot } from "../../../client/follow/snapshots.ts";
import type { Backend } from "../../runs/backend.ts";
import type { Principal } from "../../../runtime/request-facts.ts";
import { readRunUri } from "../../report/resource-uri.ts";

/** Tells those who subscribe to resources of runs that a run has ended. */
export interface ResourceNews {
  /**
   * Follows the runs of these resources in the caller's name until they end, and then publishes the URIs; of a run that
   * has already ended, at once; of one that the caller may not read, never. Returns the way to stop.
   */
  follow(uris: readonly string[], principal: Principal, publish: (uri: string) => void): () => void;
}

/** Each may hold a stream to the backend open; more than any client's screen shows. */
const MAX_RUNS = 200;
/** A backend that does not answer is asked again after this long: the follower itself has tried for a while before. */
const AGAIN_MS = 10_000;

export function createResourceNews({
  backend: open,
  clock,
  log,
}: {
  backend: (principal: Principal) => Promise<Backend>;
  clock: Clock;
  log: Logger;
}): ResourceNews {
  return {
    follow(uris, principal, publish) {
      const stopping = new AbortController();
      const runs = byRun(uris);
      if (runs.size > MAX_RUNS) {
        log.warn({ runs: runs.size, followed: MAX_RUNS }, "a subscription names too many runs");
      }
      for (const [runId, ofRun] of [...runs].slice(0, MAX_RUNS)) {
        void tellEnd(runId, ofRun, principal, publish, stopping.signal);
      }
      return () => stopping.abort();
    },
  };

  async function tellEnd(
    runId: string,
    uris: readonly string[],
    principal: Principal,
    publish: (uri: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      while (!(await seeEnd(runId, principal, signal))) await clock.sleep(AGAIN_MS, signal);
      for (const uri of uris) publish(uri);
    } catch (error) {
      // Nobody is waiting for an answer that could say so.
      if (!signal.aborted) log.debug({ err: error, run_id: runId }, "no news of a run");
    }
  }

  /** False when the backend cannot be asked at the moment. Throws what makes following pointless. */
  async function seeEnd(
    runId: string,
    principal: Principal,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      const { followers, ledger } = await open(principal);
      let last: RunSnapshot | null = null;
      for await (const seen of followers.watch(runId, { signal })) last = seen;
      if (last !== null) await ledger.record(runId, last);
      return true;
    } catch (error) {
      if (signal.aborted || isPointless(error)) throw error;
      log.debug({ err: error, run_id: runId }, "a run that somebody subscribed to cannot be seen");
      return false;
    }
  }
}

function byRun(uris: readonly string[]): Map<string, string[]> {
  const runs = new Map<string, string[]>();
  for (const uri of new Set(uris)) {
    const runId = readRunUri(uri)?.runId;
    if (runId !== undefined) runs.set(runId, [...(runs.get(runId) ?? []), uri]);
  }
  return runs;
}

function isPointless(error: unknown): boolean {
  return (
    error instanceof RunNotFound ||
    error instanceof Unauthorized ||
    error instanceof Forbidden ||
    error instanceof RequestRejected
  );
}
