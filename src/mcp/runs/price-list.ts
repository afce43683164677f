import type { AnnouncedProcessor } from "../../task-api/processor-list.ts";
import { findProcessor } from "../../task-api/processors.ts";
import type { Prices } from "../report/run-facts.ts";

/** The prices and usual durations of runs on a backend. */
export interface PriceList extends Prices {
  /** The origin of the prices if the backend did not announce them; otherwise null. */
  readonly caveat: string | null;
  /** Resolves when the backend has announced its prices, or a second after the first request. Never rejects. */
  settled(): Promise<void>;
}

export interface PriceListOptions {
  kind: "hosted" | "custom" | "embedded";
  /** The operator's prices by processor, in US dollars: they win. */
  overrides?: Readonly<Record<string, number>> | undefined;
  /** Asks the backend what it announces; rejects when it announces nothing, or the signal aborts. */
  ask?: ((signal: AbortSignal) => Promise<readonly AnnouncedProcessor[]>) | undefined;
}

/** An answer this late still counts for what comes after it. */
const ASKING_MS = 10_000;
/** No create waits longer than this for a backend that does not say what it costs. */
const WAITING_MS = 1_000;

/**
 * Prices of the built-in engine are zero, and its durations depend on the documents. Another backend is asked once, on
 * first use, for its announced prices. If it announces none, it has Parallel's prices unless the operator configured
 * others; other processors have no price.
 */
export function createPriceList({ kind, overrides = {}, ask }: PriceListOptions): PriceList {
  const own = new Map(Object.entries(overrides));
  const isEmbedded = kind === "embedded";
  let announced: ReadonlyMap<string, AnnouncedProcessor> | null = null;
  let settling: Promise<void> | undefined;

  async function askBackend(): Promise<void> {
    const processors = await ask?.(AbortSignal.timeout(ASKING_MS));
    if (processors !== undefined) announced = new Map(processors.map((one) => [one.name, one]));
  }

  async function waitForAnswer(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const waited = new Promise<void>((resolve) => (timer = setTimeout(resolve, WAITING_MS)));
    // Why there is no answer makes no difference: the list is all there is then.
    await Promise.race([askBackend().catch(() => undefined), waited]);
    clearTimeout(timer);
  }

  return {
    priceUsd(processor) {
      const given = own.get(processor);
      if (given !== undefined) return given;
      if (isEmbedded) return 0;
      const one = announced?.get(processor);
      return one === undefined ? findProcessor(processor)?.priceUsd : (one.price_usd ?? undefined);
    },
    usualSeconds(processor) {
      if (isEmbedded) return undefined;
      const one = announced?.get(processor);
      if (one === undefined) return findProcessor(processor)?.latencySeconds;
      return one.usual_seconds ?? undefined;
    },
    get caveat() {
      return kind === "custom" && own.size === 0 && announced === null
        ? "by Parallel's list; this backend's own price may differ"
        : null;
    },
    settled: () => (settling ??= waitForAnswer()),
  };
}

/** Sums of tenths of a cent, without the dust of binary fractions. */
export function roundUsd(usd: number): number {
  return Number(usd.toFixed(6));
}
