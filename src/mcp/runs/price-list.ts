import type { AnnouncedProcessor } from "../../task-api/processor-list.ts";
import { findProcessor } from "../../task-api/processors.ts";
import type { Prices } from "../report/run-facts.ts";

/** What runs cost on a backend, and how long they usually take there. */
export interface PriceList extends Prices {
  /** Whose prices these are when they are not the backend's own word. */
  readonly caveat: string | null;
  /** Resolves when the backend has said what its runs cost, or a second after it was first asked. Never rejects. */
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
 * The built-in engine is free and as fast as its documents are few. Another backend is asked once, on first use, what it
 * announces. One that announces nothing has Parallel's prices unless the operator gave others; other processors have none.
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
